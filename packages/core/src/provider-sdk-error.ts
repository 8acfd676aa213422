/** The error of a provider whose SDK is not installed. */
import { KavachError } from './errors.ts';

/** `guard.create()` needs the provider's official SDK, which is an optional peer. The message says what to install. */
export class ProviderSdkMissingError extends KavachError {
  static override readonly kind: string = 'ProviderSdkMissingError';
  override readonly code = 'KAVACH_PROVIDER_SDK_MISSING';
  constructor(
    message: string,
    readonly provider: string,
    /** The package to install. */
    readonly packageName: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
