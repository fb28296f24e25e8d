/** Ingests a recipe's datasets and does nothing else; started by `mtrl ingest`. */
import { bulk, control } from './activity-options.ts';
import { endedBadly } from './failure.ts';
import { JobTracker } from './job-tracker.ts';
import { upsertAttributes } from './search-attributes.ts';
import type { IngestOnlyResult } from '../contract/workflows.ts';

export async function ingestOnly(recipe: unknown): Promise<IngestOnlyResult> {
  const tracker = new JobTracker();
  try {
    const prepared = await control.prepare.executeWithOptions({ summary: 'recipe' }, [{ recipe, needed: 'data' }]);
    upsertAttributes({ recipeName: prepared.recipeName });
    tracker.state('ingesting', 'reading datasets');
    const ingestion = await bulk.ingest.executeWithOptions({ summary: 'datasets' }, [{ recipe: prepared.recipe }]);
    tracker.state('done', `${String(ingestion.exampleCount)} examples`);
    const { recipeName, recipeDigest, absent } = prepared;
    return { recipeName, recipeDigest, ...(absent && { absent }), ingestion };
  } catch (error) {
    throw endedBadly(error);
  }
}
