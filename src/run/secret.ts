/** Returns whether a variable of this name is likely to hold a secret. */
export function isSecretName(name: string): boolean {
  return /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY|ACCESS_KEY|CREDENTIAL)/i.test(name);
}

/**
 * Returns the value with every occurrence of the secret in its texts hidden. Returns the same value when there is none.
 */
export function withoutSecret<T>(value: T, secret: string): T {
  return hidden(value, secret) as T;
}

/** Returns the value with every occurrence of these secrets in its texts hidden. */
export function withoutSecrets<T>(value: T, secrets: readonly string[]): T {
  return secrets.reduce<T>(withoutSecret, value);
}

function hidden(value: unknown, secret: string): unknown {
  if (typeof value === 'string') return value.includes(secret) ? value.replaceAll(secret, '***') : value;
  if (Array.isArray(value)) {
    const list = value.map((each) => hidden(each, secret));
    return list.some((each, index) => each !== value[index]) ? list : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const changed = entries.map(([key, each]) => [key, hidden(each, secret)] as const);
  return changed.some(([, each], index) => each !== entries[index]?.[1]) ? Object.fromEntries(changed) : value;
}
