/** Promoted names: their versions, what the gate measured, and who switched them when. */
import { listNames, type NameDocument, readName } from '../../artifacts/registry.ts';
import type { PromotedVersion } from '../../contract/retraining.ts';
import { type KeptGate, gateFormat } from '../../pipeline/promotion/asked-of-task.ts';
import { promotedFormat } from '../../pipeline/promotion/promoted-format.ts';
import { versionText } from '../../pipeline/promotion/version-text.ts';
import type { PromotedView, PromotionsView } from '../api.ts';
import type { Library } from '../library.ts';

export async function promotionsView(library: Library): Promise<PromotionsView> {
  const { store } = library;
  const documents = await Promise.all((await listNames(store)).map((name) => readName(store, name)));
  return { names: await Promise.all(documents.map((document) => nameView(library, document))) };
}

async function nameView(
  { cache }: Library,
  { name, current, events, versions }: NameDocument,
): Promise<PromotionsView['names'][number]> {
  const promoted = await Promise.all(versions.map(({ artifact }) => cache.getDocument(artifact, promotedFormat)));
  const views = promoted.map(async (one) => {
    const gate = one.gate && (await cache.getDocument(one.gate, gateFormat));
    return promotedView(
      one,
      gate,
      promoted.find(({ version }) => versionText({ name, version }) === gate?.against),
    );
  });
  return { name, current, events, versions: await Promise.all(views) };
}

function promotedView(
  { version, experimentId, runName, promotedAt, approvedBy, evaluations }: PromotedVersion,
  gate: KeptGate | undefined,
  before: PromotedVersion | undefined,
): PromotedView {
  return {
    ...{ version, experimentId, runName, promotedAt, ...(approvedBy !== undefined && { approvedBy }) },
    ...(gate && { gate: { passed: gate.passed, against: gate.against, checks: gate.checks } }),
    tasks: evaluations.map(({ scores: candidate }) => {
      const { task, split } = candidate;
      const current = before?.evaluations.find(({ scores }) => scores.task === task)?.scores;
      return { task, split, candidate, ...(current && { current }) };
    }),
  };
}
