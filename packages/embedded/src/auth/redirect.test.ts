import fc from 'fast-check';
import { expect, it } from 'vitest';
import { redirectWithin } from './redirect.ts';

const site = 'http://127.0.0.1:8400';

it.each([
  [undefined, `${site}/`],
  ['', `${site}/`],
  [`${site}/agents?x=1`, `${site}/agents?x=1`],
  ['/agents#part', `${site}/agents`],
  ['agents', `${site}/agents`],
])('leads to the site: %s', (asked, target) => {
  expect(redirectWithin(site, asked)).toBe(target);
});

it.each([
  'http://127.0.0.1:8400.evil.example/',
  'http://127.0.0.1:8400@evil.example/',
  'http://127.0.0.1:84000/',
  'http://user:pass@127.0.0.1:8400/',
  'https://127.0.0.1:8400/',
  'http://localhost:8400/',
  '//evil.example/',
  '/\\evil.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  'http://[',
])('does not lead elsewhere: %s', (asked) => {
  expect(redirectWithin(site, asked)).toBe(`${site}/`);
});

it('stays on the site whatever is asked for', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((tail) => site + tail),
      ),
      (asked) => {
        const target = redirectWithin(site, asked);
        expect(new URL(target).origin).toBe(site);
        expect(target).not.toContain('#');
      },
    ),
  );
});
