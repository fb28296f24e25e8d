/** Engines over a server of the Tinker API: SkyRL on one's own GPUs, or the hosted service (docs/tinker.md). */
import { digestOf } from '../../../core/json.ts';
import type { EngineService, EngineSurroundings } from '../engine-service.ts';
import { TinkerClient } from './client.ts';
import { tinkerSettings, type TinkerSettings } from './settings.ts';
import { TinkerStates } from './states.ts';
import { tinkerCapabilities, TinkerEngine } from './tinker-engine.ts';

/**
 * Throws USAGE, PROVIDER_UNAVAILABLE if the server lacks the base model, ENGINE_UNREACHABLE, ENGINE_REFUSED for a wrong
 * key.
 * @param overrides limits of tests
 */
export async function openTinker(
  surroundings: EngineSurroundings,
  overrides: Partial<TinkerSettings> = {},
): Promise<EngineService> {
  const settings = { ...tinkerSettings(surroundings), ...overrides };
  const client = new TinkerClient(settings);
  const contextTokenCountMax = await client.contextLength();
  const states = new TinkerStates(surroundings.store, client);
  const { url, baseModel, reduction } = settings;
  const capabilities = {
    ...tinkerCapabilities(settings),
    ...(contextTokenCountMax !== undefined && { contextTokenCountMax }),
  };
  // The address is left out: the same model elsewhere continues the same work.
  const version = digestOf({ baseModel, reduction }).slice(0, 12);
  return {
    states,
    choice: { backend: 'tinker', tinker: { url, baseModel, reduction }, capabilities },
    versionWith: (codeVersion) => `${codeVersion}+tinker-${version}`,
    start: () => new TinkerEngine(new TinkerClient(settings), states),
  };
}
