// A grade and what it is worth, as the chief reads it.
import { t } from '../shared/strings.js';
import { rounded } from '../shared/decimal.js';
import { worth, sumPlaces } from './rubric.js';

export function gradeValue(leaf, value, stage) {
  return t('等级 {n}·{worth} 分', { n: value, worth: rounded(worth(leaf, value), sumPlaces([leaf], stage)) });
}
