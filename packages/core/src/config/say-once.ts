/** Tells the log what holds for the whole process: once, however many guards are made. */
const said = new Set<string>();

/** Warns unless something was said under this key before. */
export function sayOnce(key: string, message: string): void {
  if (said.has(key)) return;
  said.add(key);
  console.warn(`[agentkavach] ${message}`);
}
