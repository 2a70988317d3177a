import { STYLE } from '../../report/style.js';
import { pagePolicy } from '../policy.js';
import { SCRIPT } from './script.js';
import { PAGE_STYLE } from './style.js';

/** The complete page at /, which sends requests only to this server. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gsas-wgpu · what comes next</title>
<link rel="icon" href="data:,">
<style>${STYLE}${PAGE_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>What comes next</h1>
<p id="about" class="about"></p>
<dl id="quality" class="figures"></dl>
</header>
<div class="columns">
<section>
<div class="heading"><h2>History</h2><button id="clear" type="button" hidden>Clear</button></div>
<label for="search">Add an item, by title or id</label>
<input id="search" type="search" role="combobox" aria-controls="found" aria-expanded="false" aria-autocomplete="list" autocomplete="off" spellcheck="false">
<ul id="found" role="listbox" aria-label="Items found" hidden></ul>
<p id="nothing" role="status" hidden></p>
<p id="none" class="hint">What you add is listed here, oldest first.</p>
<div id="chosen" hidden>
<p class="hint">Oldest first<span class="attention">; bars show the model’s <abbr title="Each item's weight in the last block's attention from the latest item, the mean over heads; they add up to 100 %">attention</abbr></span>.</p>
<ol id="picked"></ol>
</div>
</section>
<section>
<div id="start">
<div><h2>Start with a user</h2><p class="hint">Their history, what the model expects after it, and what they went on to.</p><ul id="users" class="people"></ul></div>
<h3>Or with an item</h3><ul id="some" class="chips"></ul>
</div>
<div id="results" hidden><div class="heading"><h2>Recommended</h2><abbr id="unit"></abbr></div></div>
<p id="note" role="status"></p>
<p id="went"></p>
<p id="whys" class="hint" hidden>Each item of the history was left out in turn: “because of” names the one that raised the score most.</p>
<ol id="recommended"></ol>
</section>
</div>
<details id="api" hidden>
<summary>The same from a program</summary>
<h3>Request</h3>
<pre id="request" tabindex="0" aria-label="Request"></pre>
<button id="copy" type="button">Copy</button><span id="copied" role="status"></span>
<h3>Answer</h3>
<pre id="answer" tabindex="0" aria-label="Answer"></pre>
<p><a href="openapi.json">OpenAPI document</a></p>
</details>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

export const PAGE_POLICY = pagePolicy(SCRIPT);
