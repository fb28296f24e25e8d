/** The studio's style sheet: the report's colours and letters, one column on a phone. */
import { palette } from '../../judge/report/palette.ts';
import { frameStyle } from './frame.ts';
import { widgetStyle } from './widgets.ts';

export const studioStyle = palette + frameStyle + widgetStyle;
