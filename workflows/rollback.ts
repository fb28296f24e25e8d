/** Rolls a name back to an earlier version; started by `mtrl rollback`. */
import type { NotifyResult, PromotedVersion } from '../contract/retraining.ts';
import { Announcements } from './promotion/announcements.ts';
import { endedBadly } from './failure.ts';
import { requireForm } from './input-form.ts';
import { JobTracker } from './job-tracker.ts';
import { registry } from './promotion/promotion-activities.ts';
import type { RollbackInput, RollbackResult } from '../contract/promotion.ts';

export async function rollback(input: RollbackInput): Promise<RollbackResult> {
  const tracker = new JobTracker();
  try {
    requireForm(input, {
      example: '{"name": "...", "by": "..."}',
      ...{ required: ['name', 'by'], optional: ['to', 'reason'] },
    });
    const { name } = input;
    tracker.state('reporting', `rolling back ${name}`);
    const { revision } = await registry.findPromoted.executeWithOptions({ summary: name }, [{ name }]);
    const result = await registry.rollBack.executeWithOptions({ summary: name }, [{ ...input, revision }]);
    const text = `${input.by} rolled back ${textOf(result.from)} to ${textOf(result.promoted)}`;
    const notifications = await announced(result.from ?? result.promoted, text);
    tracker.state('done', text);
    return { ...result, notifications };
  } catch (error) {
    throw endedBadly(error);
  }
}

/** Notifies the receivers in the recipe of the version that the name was rolled back from. */
async function announced(version: PromotedVersion | undefined, text: string): Promise<NotifyResult> {
  if (version === undefined) return { deliveredCount: 0, failures: [] };
  const { recipe, name, experimentId } = version;
  const announcements = new Announcements(recipe, { name, experimentId });
  await announcements.tell('rolled-back', text);
  return announcements.told;
}

function textOf(version: PromotedVersion | undefined): string {
  return version === undefined ? 'nothing' : `${version.name}@${String(version.version)}`;
}
