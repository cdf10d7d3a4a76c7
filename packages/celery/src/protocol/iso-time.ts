/** `2026-01-02T03:04:05.678+00:00`, the form that every Celery reads as UTC. */
export function toIsoTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '+00:00');
}

const naive = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/;

/** Epoch ms of an ISO moment; one without a zone is UTC, as Celery takes it. Undefined for what is none. */
export function fromIsoTime(text: string): number | undefined {
  const at = Date.parse(naive.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.round(at));
}
