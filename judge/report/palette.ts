/** Colours, light and dark by the reader's preference, and the font: of reports and of the studio. */
export const palette = `:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --card: #ffffff; --ink: #1c1d21; --muted: #6c6f78; --line: #e4e4df; --soft: #f1f1ec;
  --accent: #3d5afe; --good: #11845b; --bad: #c4382b; --odd: #8a6100; --tint: #3d5afe12;
  --s0: #8b8f9a; --s1: #d97706; --s2: #3d5afe; --s3: #11845b; --s4: #b0289c; --s5: #0891b2;
  --s6: #c4382b; --s7: #7c4dcc; --s8: #6f8f0e; --s9: #8a5a2b; --s10: #d45087; --s11: #1f4e79;
  font: 15px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121317; --card: #1a1c21; --ink: #ececf1; --muted: #9a9da8; --line: #2c2f37; --soft: #22252b;
    --accent: #8c9eff; --good: #4cc38a; --bad: #ff8577; --odd: #e5b454; --tint: #8c9eff16;
    --s0: #9aa0ad; --s1: #f5a442; --s2: #8c9eff; --s3: #4cc38a; --s4: #e58bd6; --s5: #4cc4de;
    --s6: #ff8577; --s7: #b79cff; --s8: #b5d24a; --s9: #cfa06a; --s10: #ff9dc0; --s11: #6fa8dc;
  }
}
`;
