/** Errors as text for the log, without what must never stand there. */

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\bak_(?:prod|dev)_[A-Za-z0-9]+/g, 'ak_…'],
  [/\beyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?/g, 'eyJ…'],
  [/\b(?:sk|rk|whsec|sb_secret)_[A-Za-z0-9_]{8,}/g, 'sk_…'],
  [/\b(postgres(?:ql)?:\/\/)[^\s@]*@/g, '$1…@'],
];

/** Name, code, message and stack; not what else the error carries, such as a query's parameters or a row's values. */
export function redact(error: unknown): string {
  if (!(error instanceof Error)) return `a ${typeof error} was thrown`;
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const text = `${error.name}${code}: ${error.message}\n${(error.stack ?? '').split('\n').slice(1).join('\n')}`;
  return SECRETS.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), text).slice(0, 4_000);
}
