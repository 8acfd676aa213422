/** Lists for people: columns as wide as they must be, and money with its sign. */

/** Lines of a table; the last column is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

/** An amount in a budget's unit. Dollars with as many digits as they need, two to six. */
export function amount(unit: string, value: number): string {
  if (unit !== 'usd') return `${value.toLocaleString('en')} ${unit}`;
  const text = value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 6 });
  return value > 0 && value < 0.000_001 ? '<$0.000001' : `$${text}`;
}

/** How long ago a moment was, in one word. */
export function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

/** A moment to the minute: `2026-11-24 18:28 UTC`. */
export function minute(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** One line as it may be shown: names and messages come from agents and must not steer the terminal. */
export function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}

/** Why an agent is stopped, and who has stopped it. */
export function stopOf(reason: string | null, by: string | null): string {
  return `${reason ?? 'manual'}${by === null ? '' : ` by ${by}`}`;
}
