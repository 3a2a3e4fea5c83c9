/**
 * The options of a test that is left to `npm run test:deep`: it takes long, or a quicker test of the same promise runs
 * in `npm test`. A file of which all tests are deep has `@module-tag deep` at its top instead.
 */
export const deep = { tags: ['deep'] };
