/** The version of this build; the bundler puts package.json's in. CLIP_VERSION_OVERRIDE plays another version in tests of upgrades. */
declare const CLIP_VERSION: string;

export const version: string = process.env['CLIP_VERSION_OVERRIDE'] ?? (typeof CLIP_VERSION === 'string' ? CLIP_VERSION : '0.0.0');
