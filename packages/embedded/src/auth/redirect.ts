/** Where a link in a mail may lead: to the site itself. The browser arrives there with a session in the fragment. */

/**
 * Compares origins: a prefix would let `http://127.0.0.1:8000.example.com` and `http://127.0.0.1:8000@example.com` pass.
 *
 * @param asked an absolute address, or a path on the site
 * @returns an address on the site without fragment; the site itself where another one is asked for, as GoTrue does
 */
export function redirectWithin(siteUrl: string, asked: string | undefined): string {
  const site = new URL(siteUrl);
  let target = site;
  try {
    const wanted = new URL(asked ?? '', site);
    // A blob's origin is that of the address within it.
    const isSame = wanted.protocol === site.protocol && wanted.origin === site.origin;
    if (isSame && wanted.username === '' && wanted.password === '') target = wanted;
  } catch {
    // Not an address: the site itself.
  }
  target.hash = '';
  return target.href;
}
