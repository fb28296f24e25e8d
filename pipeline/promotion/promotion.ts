/** Promoted names: look up, promote, roll back. */
import { type NameDocument, promoteVersion, readName, rollBackName, versionOf } from '../../artifacts/registry.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import { standardApproval } from '../../recipes/fields/promotion-fields.ts';
import { promoteRequest, requireRequest, rollbackRequest } from '../../recipes/promotion-requests.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import { dataDigestOf } from '../data/data-digest.ts';
import { requireExperimentIndex } from '../reporting/experiment-index.ts';
import { ingestedFrom } from '../data/ingested-from.ts';
import type { JsonCache } from '../json-cache.ts';
import { briefly } from '../asking/kept-evaluation.ts';
import { recipeOf } from '../recipe-access.ts';
import { promotedFormat } from './promoted-format.ts';
import type {
  FindCandidateInput,
  FindCandidateResult,
  PromotedVersion,
  PromoteInput,
  RetrainingActivities,
} from '../../contract/retraining.ts';

export function createPromotion(
  cache: JsonCache,
): Pick<RetrainingActivities, 'findPromoted' | 'findCandidate' | 'promote' | 'rollBack'> {
  const { store } = cache;
  const promotedIn = async (
    document: NameDocument,
    version = document.current,
  ): Promise<PromotedVersion | undefined> => {
    if (version === null) return undefined;
    const promoted = await cache.getDocument(versionOf(document, version).artifact, promotedFormat);
    return { ...promoted, evaluations: promoted.evaluations.map(briefly) };
  };
  return {
    findPromoted: async ({ name }) => {
      const document = await readName(store, name);
      const promoted = await promotedIn(document);
      return { revision: document.revision, ...(promoted && { promoted }) };
    },

    findCandidate: (input) => findCandidate(cache, input),

    promote: async ({ name, revision, candidate, reason }) => {
      const promotedAt = new Date().toISOString();
      const identity = identityOf(candidate);
      const document = await promoteVersion(store, name, {
        ...{ revision, identity, at: promotedAt },
        ...(candidate.approvedBy !== undefined && { by: candidate.approvedBy }),
        ...(reason !== undefined && { reason }),
        content: (version): PromotedVersion => ({ ...candidate, name, version, promotedAt }),
      });
      const version = document.versions.findIndex((each) => each.identity === identity) + 1;
      return {
        promoted: required(await promotedIn(document, version), 'what was promoted'),
        revision: document.revision,
      };
    },

    rollBack: async (input) => {
      requireRequest(rollbackRequest, input);
      const { name, ...change } = input;
      const document = await rollBackName(store, name, { ...change, at: new Date().toISOString() });
      const event = document.events.find(({ revision }) => revision === change.revision + 1);
      const from = await promotedIn(document, event?.previous ?? null);
      const promoted = await promotedIn(document, event?.version ?? null);
      return { revision: document.revision, ...(from && { from }), ...(promoted && { promoted }) };
    },
  };
}

/** The same weights from the same recipe and data are the same version, whoever approved them. */
function identityOf({ policy, checkpoint, recipe, dataset }: PromoteInput['candidate']): string {
  const refs = { snapshot: policy.snapshot, checkpoint, recipe, dataset };
  const digests = Object.entries(refs).map(([part, { sha256 }]) => [part, sha256] as const);
  return digestOf({ ...Object.fromEntries(digests), log: policy.log.map(({ sha256 }) => sha256) });
}

/** Throws USAGE, NOT_FOUND. */
async function findCandidate(cache: JsonCache, input: FindCandidateInput): Promise<FindCandidateResult> {
  requireRequest(promoteRequest, input);
  const { experimentId } = input;
  const { recipe: recipeRef, ingestion, runs } = await requireExperimentIndex(cache.store, experimentId);
  const { promotion } = await recipeOf(cache, recipeRef);
  // The sources as of ingestion.
  const { datasets, files } = await ingestedFrom(cache, ingestion.manifest);
  const { required: isRequired, timeoutMs } = promotion?.approval ?? standardApproval;
  const run = theRun(runs, input, promotion);
  return {
    name: input.name ?? promotion?.name ?? unsaid('name', 'the name to promote to'),
    experimentId,
    run: { ...run, evaluations: run.evaluations.map(briefly) },
    recipe: recipeRef,
    dataset: ingestion.dataset,
    dataDigest: dataDigestOf(datasets, files),
    approval: { required: isRequired, timeoutMs },
  };
}

function theRun(
  runs: readonly EvaluatedRun[],
  { experimentId, arm: wanted, seed }: FindCandidateInput,
  promotion: Recipe['promotion'],
): EvaluatedRun {
  const arm = wanted ?? promotion?.arm ?? unsaid('arm', 'the arm of the candidate');
  const found = runs.find(({ plan }) => plan.arm === arm && (seed === undefined || plan.seed === seed));
  if (found !== undefined) return found;
  throw new MtrlError('NOT_FOUND', 'the experiment has no such run', {
    where: experimentId,
    found: `arm ${arm}${seed === undefined ? '' : `, seed ${String(seed)}`}`,
    hint: `its runs: ${runs.map(({ plan }) => plan.runName).join(', ')}`,
  });
}

function unsaid(field: 'name' | 'arm', what: string): never {
  throw new MtrlError('USAGE', `${what} is not specified`, {
    where: `promotion.${field} of the recipe`,
    hint: `set it there, or pass --${field}`,
  });
}
