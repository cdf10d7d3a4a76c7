/** Firing periodic entries. The same door as @lovage/core/beat. */
export type { BeatHealth, BeatOptions, ScheduleView } from '@lovage/core/beat';
export { Beat, previewSlots, Schedules, startBeat } from '@lovage/core/beat';
