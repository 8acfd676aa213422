/** Stripe, if this project takes payments. */
import Stripe from 'stripe';
import { ApiError } from '../_shared/api-error.ts';
import type { Dependencies, StripeSettings } from '../_shared/dependencies.ts';

/** What payments need. */
export interface Payments {
  readonly stripe: Stripe;
  readonly settings: StripeSettings;
  /** Where Stripe sends people back to. */
  readonly dashboardUrl: string;
}

/**
 * The project's payments.
 *
 * @throws ApiError 501 `billing_not_configured`
 */
export function paymentsOf(deps: Dependencies): Payments {
  const { stripe: settings, dashboardUrl } = deps.settings;
  if (settings === undefined || dashboardUrl === undefined) {
    throw new ApiError(
      501,
      'billing_not_configured',
      'Plans can not be bought here. Whoever runs this backend sets STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_PRICE_PRO, STRIPE_PRICE_MAX and KAVACH_DASHBOARD_URL to sell them.',
    );
  }
  const stripe = new Stripe(settings.secretKey, {
    httpClient: Stripe.createFetchHttpClient(deps.fetch),
    maxNetworkRetries: 1,
    timeout: 10_000,
    telemetry: false,
  });
  return { stripe, settings, dashboardUrl };
}

/**
 * Asks Stripe. Its own message stays in the log: it may name what is not the caller's.
 *
 * @throws ApiError 502 `billing_unavailable`
 */
export async function askStripe<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const { type, code = '-', statusCode = 0, requestId = '-' } = error;
    console.error(`[agentkavach] Stripe refused: ${type} ${code}, status ${statusCode}, request ${requestId}`);
    throw new ApiError(502, 'billing_unavailable', 'Stripe did not take the request. Try again in a minute.');
  }
}
