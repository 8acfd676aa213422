import { describe, expect, it } from 'vitest';
import { dependencies, settingsFrom } from './dependencies.ts';

const ENV = {
  SUPABASE_URL: 'https://project.supabase.co/',
  SUPABASE_ANON_KEY: 'anon',
  SUPABASE_DB_URL: 'postgres://postgres:geheim@127.0.0.1:1/postgres',
};
const STRIPE = {
  STRIPE_SECRET_KEY: 'sk_test_1',
  STRIPE_WEBHOOK_SECRET: 'whsec_1',
  STRIPE_PRICE_PRO: 'price_1',
  STRIPE_PRICE_MAX: 'price_2',
};
const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd', kid: 'one' };

describe('the dependencies from the environment', () => {
  it('need three variables, which the platform gives', async () => {
    const deps = dependencies(ENV);
    expect(deps.settings).toEqual({
      supabaseUrl: 'https://project.supabase.co',
      anonKey: 'anon',
      jwtSecret: undefined,
      signingKey: undefined,
      dashboardUrl: undefined,
      stripe: undefined,
    });
    await deps.database.end();
  });

  it.each(Object.keys(ENV))('name %s where it is missing', (name) => {
    expect(() => dependencies({ ...ENV, [name]: undefined })).toThrow(`The environment variable ${name} is missing.`);
  });

  it('read what is optional', () => {
    const settings = settingsFrom({
      ...ENV,
      ...STRIPE,
      KAVACH_JWT_SECRET: 's'.repeat(32),
      KAVACH_SIGNING_KEY: JSON.stringify(KEY),
      KAVACH_DASHBOARD_URL: 'https://app.example/',
    });
    expect(settings).toMatchObject({
      jwtSecret: 's'.repeat(32),
      signingKey: KEY,
      dashboardUrl: 'https://app.example',
      stripe: { secretKey: 'sk_test_1', webhookSecret: 'whsec_1', pricePro: 'price_1', priceMax: 'price_2' },
    });
  });

  it.each([
    ['SUPABASE_URL', 'nonsense-geheim'],
    ['KAVACH_DASHBOARD_URL', 'nonsense-geheim'],
    ['KAVACH_JWT_SECRET', 'geheim'],
    ['KAVACH_SIGNING_KEY', 'geheim'],
    ['KAVACH_SIGNING_KEY', 'null'],
    ['KAVACH_SIGNING_KEY', JSON.stringify({ ...KEY, kid: undefined })],
    ['KAVACH_SIGNING_KEY', JSON.stringify({ ...KEY, d: undefined })],
    ['KAVACH_SIGNING_KEY', JSON.stringify({ ...KEY, crv: 'P-384' })],
  ])('name %s where it is wrong, without its value', (name, value) => {
    const read = () => settingsFrom({ ...ENV, [name]: value });
    expect(read).toThrow(`The environment variable ${name} is`);
    expect(read).not.toThrow('geheim');
  });

  it('want all of Stripe or none of it', () => {
    expect(() => settingsFrom({ ...ENV, ...STRIPE, STRIPE_PRICE_MAX: '' })).toThrow('STRIPE_PRICE_MAX is missing');
  });
});
