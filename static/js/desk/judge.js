import { startPad } from './pad.js';
import { JUDGED } from './rubric.js';

startPad({ kinds: JUDGED });
