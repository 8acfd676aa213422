/** What handlers are given: the database, the settings, the network and the clock. In production from the environment. */
import type { JWK } from 'jose';
import { openDatabase, type Database } from './database.ts';

/** All that a handler needs from outside. */
export interface Dependencies {
  readonly database: Database;
  readonly settings: Settings;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** What differs between projects. */
export interface Settings {
  /** Without a slash at its end: `https://<ref>.supabase.co`. */
  readonly supabaseUrl: string;
  /** The project's public API key. */
  readonly anonKey: string;
  /** The project's HS256 secret: verifies users' tokens and signs Realtime tokens. */
  readonly jwtSecret?: string | undefined;
  /** An ES256 private key with a `kid` that the project knows: signs Realtime tokens. Goes before the secret. */
  readonly signingKey?: (JWK & { readonly kid: string }) | undefined;
  /** Where people sign in, without a slash at its end. */
  readonly dashboardUrl?: string | undefined;
  /** Payments; left out, there are none. */
  readonly stripe?: StripeSettings | undefined;
}

export interface StripeSettings {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Ids of the prices that are the plans. */
  readonly pricePro: string;
  readonly priceMax: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The dependencies in production.
 *
 * @param env the environment's variables; default those of Deno
 * @throws Error that names the variable which is missing or wrong, without its value
 */
export function dependencies(env: Environment = Deno.env.toObject()): Dependencies {
  const settings = settingsFrom(env);
  return {
    settings,
    database: openDatabase(required(env, 'SUPABASE_DB_URL')),
    fetch: (...request) => fetch(...request),
    now: () => Date.now(),
  };
}

/** The settings alone. @throws Error that names the variable which is missing or wrong, without its value */
export function settingsFrom(env: Environment): Settings {
  return {
    supabaseUrl: url(required(env, 'SUPABASE_URL'), 'SUPABASE_URL'),
    anonKey: required(env, 'SUPABASE_ANON_KEY'),
    jwtSecret: secret(env),
    signingKey: signingKey(env),
    dashboardUrl: env['KAVACH_DASHBOARD_URL'] ? url(env['KAVACH_DASHBOARD_URL'], 'KAVACH_DASHBOARD_URL') : undefined,
    stripe: stripe(env),
  };
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is missing.`);
  return value;
}

function url(value: string, name: string): string {
  if (!URL.canParse(value)) throw new Error(`The environment variable ${name} is not a URL.`);
  return value.replace(/\/+$/, '');
}

function secret(env: Environment): string | undefined {
  const value = env['KAVACH_JWT_SECRET'];
  if (value === undefined || value === '') return undefined;
  if (value.length >= 32) return value;
  throw new Error('The environment variable KAVACH_JWT_SECRET is too short: HS256 needs 32 characters or more.');
}

function signingKey(env: Environment): Settings['signingKey'] {
  const text = env['KAVACH_SIGNING_KEY'];
  if (text === undefined || text === '') return undefined;
  const wrong = new Error('The environment variable KAVACH_SIGNING_KEY is not a private ES256 JWK with a kid.');
  let key: Partial<JWK> | null;
  try {
    key = JSON.parse(text) as Partial<JWK> | null;
  } catch {
    throw wrong;
  }
  const { kty, crv, kid, d } = key ?? {};
  if (kty !== 'EC' || crv !== 'P-256' || d === undefined || kid === undefined || kid === '') throw wrong;
  return { ...key, kty, kid };
}

/** All four or none: half of them is a mistake that would show at the first payment. */
function stripe(env: Environment): StripeSettings | undefined {
  const names = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_PRICE_PRO', 'STRIPE_PRICE_MAX'] as const;
  if (names.every((name) => env[name] === undefined || env[name] === '')) return undefined;
  return {
    secretKey: required(env, 'STRIPE_SECRET_KEY'),
    webhookSecret: required(env, 'STRIPE_WEBHOOK_SECRET'),
    pricePro: required(env, 'STRIPE_PRICE_PRO'),
    priceMax: required(env, 'STRIPE_PRICE_MAX'),
  };
}
