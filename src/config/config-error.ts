/** What is wrong with config.toml, in a sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
