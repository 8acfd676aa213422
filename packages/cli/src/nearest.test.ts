import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const KNOWN = ['init', 'demo', 'dev', 'status', 'kill', 'resume', 'budget', 'keys', 'tail', 'doctor'];

describe('the nearest name', () => {
  it.each([
    ['kil', 'kill'],
    ['killl', 'kill'],
    ['stauts', 'status'],
    ['sattsu', 'status'],
    ['stat', 'status'],
    ['budegt', 'budget'],
    ['key', 'keys'],
    ['Doctor', 'doctor'],
    ['demi', 'demo'],
    // A letter less than to `demo`.
    ['de', 'dev'],
  ])('to %s is %s', (name, meant) => {
    expect(nearest(name, KNOWN)).toBe(meant);
  });

  it.each(['', 'k', 'x', 'stop', 'frobnicate', 'constructor', 'a'.repeat(100_000)])('is none to %s', (name) => {
    expect(nearest(name, KNOWN)).toBeUndefined();
  });
});
