import { expect, it } from 'vitest';
import { isLoopbackHost } from './loopback.ts';

it.each([
  'localhost',
  'localhost:54321',
  'LOCALHOST:1',
  'app.localhost:80',
  '127.0.0.1',
  '127.0.0.1:54321',
  '[::1]:54321',
])('takes %s for this machine', (host) => expect(isLoopbackHost(host)).toBe(true));

it.each([
  undefined,
  '',
  'example.com',
  'localhost.example.com',
  '127.0.0.1.example.com',
  '10.0.0.1:54321',
  '[::2]',
  '0.0.0.0',
])('does not take %s for this machine', (host) => expect(isLoopbackHost(host)).toBe(false));
