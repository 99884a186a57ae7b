import { createHash } from 'node:crypto'

/** The look of every page: the system's own type, light or dark as the person has it, one column. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f4f1; --card: #ffffff; --ink: #1d1f23; --soft: #5b606b; --line: #dddcd6;
  --field: #8a8f99; --accent: #1f4f8f; --on-accent: #ffffff; --accent-soft: #eaf0f8;
  --warn: #7a4b00; --warn-ground: #fdf3e0; --warn-line: #e7c98f;
  --bad: #a3211b; --bad-ground: #fdeeec; --bad-line: #e9b5b1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141619; --card: #1d2025; --ink: #eceae4; --soft: #a5aab4; --line: #343941;
    --field: #767d89; --accent: #9cc3f5; --on-accent: #10233c; --accent-soft: #24303f;
    --warn: #f0c987; --warn-ground: #2e2618; --warn-line: #5a4722;
    --bad: #ffb0aa; --bad-ground: #331d1c; --bad-line: #6b3430;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; background: var(--ground); color: var(--ink); display: flex; flex-direction: column; align-items: center; padding: 1rem; }
.brand { display: flex; align-items: center; gap: .5rem; margin: clamp(.5rem, 7vh, 4.5rem) 0 1.25rem; color: var(--soft); font-size: .9375rem; font-weight: 600; letter-spacing: .01em; }
.brand svg { width: 1.375rem; height: 1.375rem; color: var(--accent); }
main { width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.75rem; box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 12px 32px -18px rgb(0 0 0 / 22%); }
main.wide { max-width: 33rem; }
h1 { font-size: 1.375rem; line-height: 1.28; font-weight: 650; letter-spacing: -.012em; margin: 0 0 .5rem; overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: .9375rem; font-weight: 650; margin: 1.5rem 0 .5rem; }
p { margin: 0 0 1rem; }
main > :last-child { margin-bottom: 0; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
a { color: var(--accent); text-underline-offset: .15em; }
label, .label { display: block; font-weight: 550; font-size: .9375rem; margin: 0 0 .375rem; }
.field { margin: 0 0 1.125rem; }
.hint { color: var(--soft); font-size: .875rem; margin: .375rem 0 0; }
input[type=text], input[type=password] { width: 100%; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--field); border-radius: 8px; padding: .625rem .75rem; min-height: 2.875rem; }
input[aria-invalid=true] { border-color: var(--bad); }
button, .button { display: inline-flex; align-items: center; justify-content: center; gap: .5rem; width: 100%; font: inherit; font-weight: 600; text-decoration: none; min-height: 2.875rem; padding: .625rem 1rem; border-radius: 8px; border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer; }
button:hover, .button:hover { filter: brightness(1.08); }
button.quiet { background: transparent; color: var(--ink); border-color: var(--field); }
button.quiet:hover { background: var(--accent-soft); filter: none; }
button.link { display: inline; width: auto; min-height: 0; padding: 0; border: 0; background: none; color: var(--accent); font-weight: inherit; text-decoration: underline; text-underline-offset: .15em; }
button:disabled { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.or { display: flex; align-items: center; gap: .75rem; color: var(--soft); font-size: .875rem; margin: 1.125rem 0; }
.or::before, .or::after { content: ''; flex: 1; border-top: 1px solid var(--line); }
.note { border: 1px solid var(--line); border-radius: 8px; padding: .75rem .875rem; margin: 0 0 1.125rem; font-size: .9375rem; overflow-wrap: anywhere; }
.note > :last-child { margin-bottom: 0; }
.note.bad { color: var(--bad); background: var(--bad-ground); border-color: var(--bad-line); }
.note.warn { color: var(--warn); background: var(--warn-ground); border-color: var(--warn-line); }
dl { margin: 0 0 1.125rem; display: grid; grid-template-columns: max-content 1fr; gap: .375rem .875rem; font-size: .9375rem; border-block: 1px solid var(--line); padding: .75rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-weight: 550; }
fieldset { border: 0; margin: 0 0 1.125rem; padding: 0; min-width: 0; }
legend { padding: 0; font-weight: 650; font-size: .9375rem; margin: 0 0 .5rem; }
ul { list-style: none; margin: 0; padding: 0; }
.scopes > li { border: 1px solid var(--line); border-radius: 10px; padding: .75rem .875rem; margin: 0 0 .5rem; }
.scopes label { display: flex; gap: .625rem; align-items: flex-start; margin: 0; cursor: pointer; overflow-wrap: anywhere; }
.scopes input { flex: none; width: 1.125rem; height: 1.125rem; margin: .1875rem 0 0; accent-color: var(--accent); }
.tools { font-size: .875rem; color: var(--soft); margin: .375rem 0 0; }
.scopes label + .tools, .scopes label + details { margin-left: 1.75rem; }
.tools li { display: flex; flex-wrap: wrap; gap: 0 .5rem; justify-content: space-between; padding: .0625rem 0; overflow-wrap: anywhere; }
.tools .sharp { color: var(--warn); font-weight: 550; }
details { font-size: .875rem; margin: .375rem 0 0; }
summary { cursor: pointer; color: var(--accent); }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.end { margin: 1.25rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--line); font-size: .875rem; color: var(--soft); overflow-wrap: anywhere; }
.end p { margin: 0; }
.end form { display: inline; }
.sr, input.sr { position: absolute; width: 1px; height: 1px; min-height: 0; padding: 0; border: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
@media (max-width: 26rem) { main { padding: 1.25rem; } .choice { grid-template-columns: 1fr; } .choice .quiet { order: 2; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin: 0 0 .5rem; } dd:last-child { margin: 0; } }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: filter .12s, background .12s; } }
`

export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`
