/** Promoted names: their versions, what the gate found, and who switched them when. */
import { listNames, readName } from '../../artifacts/registry.ts';
import type { GateCheck, PromotedVersion } from '../../contract/retraining.ts';
import type { PromotionsView } from '../api.ts';
import type { Library } from '../library.ts';

export async function promotionsView({ store, cache }: Library): Promise<PromotionsView> {
  const documents = await Promise.all((await listNames(store)).map((name) => readName(store, name)));
  const names = documents.map(async ({ name, current, events, versions }) => ({
    ...{ name, current, events },
    versions: await Promise.all(
      versions.map(async ({ artifact }) => {
        const { version, experimentId, runName, promotedAt, gate } = (await cache.get(artifact)) as PromotedVersion;
        const found = gate && ((await cache.get(gate)) as { readonly checks?: readonly GateCheck[] });
        const checks = (found?.checks ?? []).map(({ rule, value, passed }) => ({ rule, value, passed }));
        return { version, experimentId, runName, promotedAt, checks };
      }),
    ),
  }));
  return { names: await Promise.all(names) };
}
