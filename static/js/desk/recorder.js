import { startPad } from './pad.js';
import { MEASURED } from './rubric.js';

startPad({ kinds: MEASURED, timed: true });
