/** The backend's address as people give it. Keys travel there, so it must be one that cannot leak them. */
import { CliError, EXIT } from './io.ts';

/**
 * The project's address without a slash at its end; `/functions/v1` may stand there.
 *
 * @param from the option or variable that it is from; its value is not shown, which may hold a password by mistake
 * @throws CliError (exit 2) that says what is wrong with it
 */
export function backendUrl(text: string, from: string): string {
  const url = URL.parse(text);
  if (url === null) throw wrong(from, 'is no address');
  if (url.username !== '' || url.password !== '') throw wrong(from, 'must not hold a user name or a password');
  if (url.search !== '' || url.hash !== '') throw wrong(from, 'must not hold a query or a fragment');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw wrong(from, 'must begin with https://; http:// is for this machine alone');
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/functions(?:\/v1)?$/, '');
}

function wrong(from: string, what: string): CliError {
  return new CliError(
    `${from} ${what}. Give the project's address, such as https://your-project.supabase.co, or the one that npx agentkavach dev prints.`,
    EXIT.usage,
    'invalid_url',
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
