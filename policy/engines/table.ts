/** All engines. To add one, add `open.ts` in a folder of its name and a line here. */
import { MtrlError } from '../../core/errors.ts';
import { openEmbedded } from './embedded/open.ts';
import { openTinker } from './tinker/open.ts';
import type { OpenEngineService } from './engine-service.ts';

/** Engines by their name in MTRL_ENGINE. */
export type EngineTable = Readonly<Record<string, OpenEngineService>>;

export const engineTable = {
  embedded: openEmbedded,
  tinker: openTinker,
} as const satisfies EngineTable;

const defaultEngine = 'embedded' satisfies keyof typeof engineTable;

/** Returns the engine that MTRL_ENGINE names; if unset or empty, the embedded engine. Throws USAGE. */
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
