/**
 * The version of this build, which the bundler inserts from package.json. CLIP_VERSION_OVERRIDE simulates another
 * version in upgrade tests.
 */
declare const CLIP_VERSION: string;

/** The version of this build. */
export const version: string =
  process.env['CLIP_VERSION_OVERRIDE'] ?? (typeof CLIP_VERSION === 'string' ? CLIP_VERSION : '0.0.0');
