/** Action and policies of a retraining schedule, from the options of the command line. */
import type { ScheduleDescription, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';
import type { RetrainInput } from '../../contract/promotion.ts';
import { loadRetrainRecipe, retrainWorkflowId } from './retrainings.ts';
import { durationMs, overlapOf, timesOf, type TimesOptions } from './schedule-words.ts';
import { retrainType } from './schedules.ts';
import { searchAttributes } from '../../contract/search-attributes.ts';

export interface RetrainingOptions extends TimesOptions {
  readonly recipe: string;
  readonly set: readonly string[];
  readonly overlap?: string;
  readonly catchupWindow?: string;
}

export interface ScheduledRetraining {
  readonly action: (taskQueue: string, scheduleId: string) => ScheduleOptions['action'];
  readonly policies: NonNullable<ScheduleOptions['policies']>;
  /** Workflow id of a running retraining. */
  readonly workflowId: string;
}

/** Reads the recipe. Throws USAGE, RECIPE_INVALID, FILE_MISSING. */
export function scheduledRetraining({ recipe: file, set, ...named }: RetrainingOptions): ScheduledRetraining {
  const { recipe, parsed, promotion } = loadRetrainRecipe(file, set);
  const { overlap, catchupWindow } = named;
  const input: RetrainInput = { recipe };
  return {
    action: (taskQueue, scheduleId) => ({
      type: 'startWorkflow',
      workflowType: retrainType,
      workflowId: `scheduled/${scheduleId}`,
      taskQueue,
      args: [input],
      typedSearchAttributes: [{ key: searchAttributes.recipe, value: parsed.name }],
      staticSummary: `${promotion.name} retrained by schedule ${scheduleId}`,
    }),
    policies: {
      ...(overlap !== undefined && { overlap: overlapOf(overlap) }),
      ...(catchupWindow !== undefined && { catchupWindow: durationMs('--catchup-window', catchupWindow) }),
    },
    workflowId: retrainWorkflowId(promotion),
  };
}

/** Replaces the recipe; times and policies that are not given stay as they are. Throws USAGE. */
export function changedSchedule(
  { scheduleId, spec, policies, state, action }: ScheduleDescription,
  taskQueue: string,
  times: TimesOptions,
  retraining: ScheduledRetraining,
): ScheduleUpdateOptions {
  if (action.workflowType !== retrainType) {
    throw new MtrlError('USAGE', 'this schedule does not start retrainings', {
      where: `schedule ${scheduleId}`,
      found: `it starts ${action.workflowType}`,
      hint: 'change it by `temporal schedule update`, or name another one',
    });
  }
  return {
    ...{ spec: timesOf(times, spec), state },
    policies: { ...policies, ...retraining.policies },
    action: retraining.action(taskQueue, scheduleId),
  };
}
