/** An error in config.toml, in one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
