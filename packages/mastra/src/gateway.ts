/** The gateway that guards models given by name: it claims every router id, and lets Mastra's own gateways make the model. */
import {
  defaultGateways,
  MastraModelGateway,
  type GatewayAuthRequest,
  type GatewayAuthResult,
  type GatewayLanguageModel,
  type MastraModelGatewayInterface,
  type ProviderConfig,
} from '@mastra/core/llm';
import { ConfigError } from '@agentkavach/core';

/** The id that the gateway has in Mastra. */
export const GATEWAY_ID = 'agentkavach';

type ModelArgs = Parameters<MastraModelGatewayInterface['resolveLanguageModel']>[0];

/** Guards a model, given the way to another one of the same provider. */
type Guarded = (
  model: GatewayLanguageModel,
  sibling: (modelId: string) => Promise<GatewayLanguageModel>,
) => GatewayLanguageModel;

/** Guards the models that other gateways make. */
export class KavachGateway extends MastraModelGateway {
  readonly id = GATEWAY_ID;
  readonly name = 'AgentKavach';
  readonly #guarded: Guarded;
  #others: () => readonly MastraModelGatewayInterface[] = () => [];

  constructor(guarded: Guarded) {
    super();
    this.#guarded = guarded;
  }

  /** Also asks the gateways of a Mastra instance, before Mastra's defaults. */
  ask(others: () => readonly MastraModelGatewayInterface[]): void {
    this.#others = others;
  }

  override handlesModel(): boolean {
    return true;
  }
  /** None of its own: the catalogue of models stays the other gateways'. */
  fetchProviders(): Promise<Record<string, ProviderConfig>> {
    return Promise.resolve({});
  }
  buildUrl(modelId: string, env: Record<string, string>): string | undefined | Promise<string | undefined> {
    return this.#gatewayFor(modelId).buildUrl(modelId, env);
  }
  getApiKey(modelId: string): Promise<string> {
    return this.#gatewayFor(modelId).getApiKey(modelId);
  }
  async resolveAuth(request: GatewayAuthRequest): Promise<GatewayAuthResult | undefined> {
    const gateway = this.#gatewayFor(request.routerId);
    return await gateway.resolveAuth?.({ ...request, gatewayId: gateway.id });
  }
  async resolveLanguageModel(args: ModelArgs): Promise<GatewayLanguageModel> {
    const made = async (modelId: string): Promise<GatewayLanguageModel> =>
      this.#gatewayFor(`${args.providerId}/${modelId}`).resolveLanguageModel({ ...args, modelId });
    return this.#guarded(await made(args.modelId), made);
  }

  /** Mastra's own order: by prefix, then who claims it, then the registry of models. */
  #gatewayFor(routerId: string): MastraModelGatewayInterface {
    const gateways = [...this.#others(), ...defaultGateways].filter(
      (gateway) => !(gateway instanceof KavachGateway) && gateway.shouldEnable?.() !== false,
    );
    const found =
      gateways.find(({ id }) => id !== REGISTRY && (id === routerId || routerId.startsWith(`${id}/`))) ??
      gateways.find((gateway) => gateway.id !== REGISTRY && gateway.handlesModel?.(routerId) === true) ??
      gateways.find(({ id }) => id === REGISTRY);
    if (found !== undefined) return found;
    throw new ConfigError(`No gateway of Mastra knows the model ${routerId}. Check its name, or pass a model object.`, {
      path: 'model',
    });
  }
}

const REGISTRY = 'models.dev';
