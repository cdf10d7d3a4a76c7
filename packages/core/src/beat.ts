/** Firing periodic entries. */
export { Beat, type BeatHealth, type BeatOptions, startBeat } from './beat/beat.ts';
export { previewSlots, Schedules, type ScheduleView } from './beat/schedules.ts';
