/** Describes the workflow of an experiment. */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';
import { commandText } from '../show/output.ts';

export const workflowType = 'experiment';

/** Throws NOT_FOUND, also for a workflow of another type. */
export async function describe(client: Client, experimentId: string): Promise<WorkflowExecutionDescription> {
  const hint = `name an experiment: \`${commandText('status')}\` lists them`;
  try {
    const description = await client.workflow.getHandle(experimentId).describe();
    if (description.type === workflowType) return description;
    throw new MtrlError('NOT_FOUND', 'this workflow is not an experiment', {
      where: experimentId,
      found: `a workflow of type ${description.type}`,
      hint,
    });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new MtrlError('NOT_FOUND', 'the experiment does not exist', { where: experimentId, hint, cause: error });
  }
}
