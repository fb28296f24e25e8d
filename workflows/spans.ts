/**
 * The spans of a workflow: itself, and what it starts. Implemented here because the OpenTelemetry SDK doubles the
 * workflow bundle and creates a dozen promises per span, each of which makes the sandbox take a stack trace. Part of
 * the bundle only if a collector is set (workers/tracing.ts, which sends the spans passed to `ended`).
 */
import type { Headers } from '@temporalio/common';
import {
  ContinueAsNew,
  defaultPayloadConverter,
  getRandomStream,
  proxySinks,
  type Sinks,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow';
import { nowMs } from './clock.ts';

export interface WorkflowSpan {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The message of the error that ended it. */
  readonly failure?: string;
}

export interface SpanSinks extends Sinks {
  spans: { ended(span: WorkflowSpan): void };
}

/** The header of the W3C trace context, as in Temporal's own interceptors. */
const headerName = '_tracer-data';
const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
type TraceContext = Readonly<Record<string, string>>;

interface OpenSpan {
  /** Passed to everything that is started within the span. */
  readonly context: TraceContext;
  readonly end: (error?: unknown) => void;
}

export function interceptors(): WorkflowInterceptors {
  let own: OpenSpan | undefined;
  const within = (headers: Headers, span = own): Headers =>
    span ? { ...headers, [headerName]: defaultPayloadConverter.toPayload(span.context) } : headers;
  return {
    inbound: [
      {
        execute: (input, next) => {
          own = open(`RunWorkflow:${workflowInfo().workflowType}`, contextOf(input.headers));
          return ending(own, next(input));
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => {
          const span = open(`StartActivity:${input.activityType}`, own?.context);
          return ending(span, next({ ...input, headers: within(input.headers, span) }));
        },
        startChildWorkflowExecution: (input, next) => {
          const span = open(`StartChildWorkflow:${input.workflowType}`, own?.context);
          return ending(span, next({ ...input, headers: within(input.headers, span) }));
        },
        continueAsNew: (input, next) => next({ ...input, headers: within(input.headers) }),
      },
    ],
  };
}

function contextOf(headers: Headers): TraceContext | undefined {
  const payload = headers[headerName];
  return payload && defaultPayloadConverter.fromPayload<TraceContext>(payload);
}

/** 32 hexadecimal digits, from a separate stream: tracing does not change the numbers that a workflow draws. */
function digits(): string {
  return getRandomStream('spans').uuid4().replaceAll('-', '');
}

/** Opens a span; without a parent it starts a trace. Children of an unsampled parent are not sampled. */
function open(name: string, parent: TraceContext = {}): OpenSpan {
  const [, traceId = digits(), parentSpanId, flags = '01'] = traceparent.exec(parent['traceparent'] ?? '') ?? [];
  const spanId = digits().slice(16);
  const startedAtMs = nowMs();
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return {
    context: { ...parent, traceparent: `00-${traceId}-${spanId}-${flags}` },
    end: (error) => {
      if (!isSampled) return;
      const endedAtMs = nowMs();
      const isFailed = error instanceof Error && !(error instanceof ContinueAsNew);
      const failure = isFailed && { failure: error.message };
      const span = { name, traceId, spanId, startedAtMs, endedAtMs, ...(parentSpanId && { parentSpanId }), ...failure };
      proxySinks<SpanSinks>().spans.ended(span);
    },
  };
}

/** Ends the span when the work settles. Returns the work itself, so that the caller sees its outcome unchanged. */
function ending<T>(span: OpenSpan, work: Promise<T>): Promise<T> {
  work.then(() => {
    span.end();
  }, span.end);
  return work;
}
