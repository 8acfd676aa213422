/**
 * The stack answers this machine only. A web page elsewhere can let its own name point to 127.0.0.1 (DNS rebinding); its
 * requests then carry that name, and are refused by it.
 */

/** Whether a Host header names this machine: localhost, 127.0.0.1 or [::1], with any port. */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
