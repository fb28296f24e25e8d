/** The engines that there are. To add one: `open.ts` in a folder of its name, and a line here. */
import { MtrlError } from '../../core/errors.ts';
import { openEmbedded } from './embedded/open.ts';
import type { OpenEngineService } from './engine-service.ts';

/** By the name that MTRL_ENGINE has for it. */
export type EngineTable = Readonly<Record<string, OpenEngineService>>;

export const engineTable = {
  embedded: openEmbedded,
} as const satisfies EngineTable;

const defaultEngine = 'embedded' satisfies keyof typeof engineTable;

/** The engine that the environment asks for: MTRL_ENGINE; unset or empty, the embedded one. Throws USAGE. */
export function engineNamed(
  environment: NodeJS.ProcessEnv,
  table: EngineTable,
): readonly [name: string, open: OpenEngineService] {
  const name = environment['MTRL_ENGINE'] || defaultEngine;
  const open = Object.hasOwn(table, name) ? table[name] : undefined;
  if (open !== undefined) return [name, open];
  throw new MtrlError('USAGE', 'MTRL_ENGINE is not an engine', {
    where: 'environment variable MTRL_ENGINE',
    found: name,
    hint: `one of ${Object.keys(table).join(', ')}`,
  });
}
