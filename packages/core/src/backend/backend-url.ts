/** Where the backend is. The API key travels there, so the address must be one that cannot leak it. */
import { ConfigError } from '../errors.ts';

const EXAMPLE = `'https://your-project.supabase.co'`;

/**
 * Whether what is sent to an address is encrypted, or stays on this machine.
 *
 * @param secure the protocol that encrypts: `https:` or `wss:`
 */
export function isPrivate(url: URL, secure: 'https:' | 'wss:'): boolean {
  const plain = secure === 'https:' ? 'http:' : 'ws:';
  return url.protocol === secure || (url.protocol === plain && isLoopback(url.hostname));
}

/**
 * The address that the resources' paths are added to: `<origin>/…/functions/v1`.
 *
 * @param text the project's URL; a trailing slash, `/functions` or `/functions/v1` may stand at its end
 * @throws ConfigError naming `url`; it does not show the address, which may hold a password by mistake
 */
export function functionsUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) throw wrong('is no address');
  if (url.username !== '' || url.password !== '') throw wrong('must not hold a user name or a password');
  if (url.search !== '' || url.hash !== '') throw wrong('must not hold a query or a fragment');
  if (!isPrivate(url, 'https:'))
    throw wrong('must begin with https://; http:// is for this machine alone (localhost, 127.0.0.1, [::1])');
  const path = url.pathname.replace(/\/+$/, '').replace(/\/functions(?:\/v1)?$/, '');
  return `${url.origin}${path}/functions/v1`;
}

function wrong(what: string): ConfigError {
  return new ConfigError(`url: the backend's address ${what}. Write for example ${EXAMPLE}.`, { path: 'url' });
}

/** The parser has made every spelling of an IPv4 address one of four numbers by now. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
