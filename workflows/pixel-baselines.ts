/** Baselines on pixels, fitted while the runs train: they need no engine. */
import { patched } from '@temporalio/workflow';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { PixelBaselinesInput } from '../contract/pixel-baselines.ts';
import { bulk } from './activity-options.ts';

export async function pixelBaselines(input: PixelBaselinesInput): Promise<ArtifactRef | undefined> {
  // Experiments that started before these baselines existed continue without them.
  if (!patched('pixel-baselines')) return undefined;
  const { baselines } = await bulk.pixelBaselines.executeWithOptions({ summary: 'baselines on pixels' }, [input]);
  return baselines;
}
