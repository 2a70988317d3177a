import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import {
  DEFAULT_TOP,
  type LIST_KEYS,
  MOST_COUNT,
  MOST_HISTORY,
  MOST_LISTED,
  type QUESTION_KEYS,
  type SIMILAR_KEYS,
} from './question.js';
import { MOST_FOUND } from './service.js';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
});
const refused = (description: string) => answer(description, ref('Error'));
const named = {
  item: { type: 'integer', description: "the model's number of the item, from 1" },
  original_id: { type: 'string', description: 'its id in the log, where items have others there' },
  title: { type: 'string' },
  category: { type: 'string', description: 'where items have one' },
};
const scored = {
  ...named,
  score: { type: 'number', description: 'it orders the items of one answer; of a trained model a logit' },
  probability: {
    type: 'number',
    description: 'that the item comes next, of a calibrated model: one trained with gbce_t 1',
  },
};
const object = (properties: object, required: readonly string[], more: object = {}) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
});
const items = (description: string, maxItems: number) => ({
  type: 'array',
  items: ref('Item'),
  maxItems,
  description,
});

const unknown = {
  type: 'array',
  description: 'what is no item of the model, and what it may have meant',
  items: object({ text: { type: 'string' }, nearest: { type: 'array', items: ref('NamedItem') } }, ['text', 'nearest']),
};

/** What a question may say about the list that it wants. */
const wishes = {
  top: { type: 'integer', minimum: 1, maximum: MOST_TOP_K, default: DEFAULT_TOP },
  exclude: items('never to be recommended', MOST_LISTED),
  only: items('nothing else is recommended', MOST_LISTED),
  per_category: {
    ...{ type: 'integer', minimum: 1, maximum: MOST_COUNT },
    description: 'at most so many items of a category, where items have one',
  },
  min_popularity: {
    ...{ type: 'integer', minimum: 0, maximum: MOST_COUNT },
    description: 'only items that occur at least so often in training',
  },
  min_age: {
    ...{ type: 'integer', minimum: 0, maximum: MOST_COUNT },
    description: 'only items whose first interaction is so many days before the end of the log, where it has times',
  },
} satisfies Record<(typeof LIST_KEYS)[number], object>;

const question = {
  history: items('ids or titles, oldest first', MOST_HISTORY),
  user: {
    type: ['string', 'number'],
    description: 'in place of a history: a user of the data, by the id in the log; after all that they did',
  },
  ...wishes,
  filter_seen: {
    type: 'boolean',
    description: "leave out the items of the history; by default the run's filter_rated",
  },
  explain: { type: 'boolean', default: false, description: 'tell what the model looked at' },
  why: {
    ...{ type: 'boolean', default: false },
    description: 'tell how much each item of the history raised each score, by leaving it out',
  },
} satisfies Record<(typeof QUESTION_KEYS)[number], object>;

const text = { type: 'string' };
const query = (name: string, schema: object, description: string, required = false) => ({
  ...{ name, in: 'query', required, schema, description },
});
/** Of a list in a query: the parameter is repeated. */
const texts = ({ description, maxItems }: { description: string; maxItems: number }, name: string) =>
  query(
    name,
    { type: 'array', items: text, maxItems },
    `${description}; an id or a title, #12 by number; repeat it for more`,
  );
const { top, per_category, min_popularity, min_age, exclude, only } = wishes;
const similar = {
  item: query('item', text, 'its id in the log, its title, or # and its number', true),
  top: query('top', top, 'how many'),
  exclude: texts(exclude, 'exclude'),
  only: texts(only, 'only'),
  per_category: query('per_category', per_category, per_category.description),
  min_popularity: query('min_popularity', min_popularity, min_popularity.description),
  min_age: query('min_age', min_age, min_age.description),
} satisfies Record<(typeof SIMILAR_KEYS)[number], object>;

const why = {
  type: 'array',
  description: 'with why: what changed the score, what raised it most first; left out for a history of one item',
  items: object(
    {
      place: { type: 'integer', minimum: 0, description: 'of the item in the answer’s history, from 0' },
      change: { type: 'number', description: 'how much lower the score would be without the item' },
    },
    ['place', 'change'],
  ),
};

const measured = object({ name: { type: 'string' }, value: { type: 'number' } }, ['name', 'value']);

const schemas = {
  Error: object({ error: { type: 'string', description: 'one line: what was wrong, and what to do' }, unknown }, [
    'error',
  ]),
  Item: {
    oneOf: [
      { type: ['number', 'string'], description: 'its id in the log, or a title; its number where items have no ids' },
      object({ item: { type: 'integer', minimum: 1, description: "the model's number of the item" } }, ['item']),
    ],
  },
  NamedItem: object(named, ['item']),
  Question: object(question, [], {
    oneOf: [{ required: ['history'] }, { required: ['user'] }],
    examples: [
      { history: [12, 7, 301], top: 10 },
      { user: '4711', only: [5, 6, 7] },
    ],
  }),
  Recommendations: object(
    {
      items: { type: 'array', description: 'best first', items: object({ ...scored, why }, ['item', 'score']) },
      history: {
        type: 'array',
        description: 'the history as it was understood',
        items: object(
          { ...named, weight: { type: 'number', description: 'with explain: its share of the attention' } },
          ['item'],
        ),
      },
      unknown,
    },
    ['items', 'history', 'unknown'],
  ),
  SimilarItems: object(
    {
      similar_to: ref('NamedItem'),
      items: { type: 'array', description: 'the most similar first', items: object(scored, ['item', 'score']) },
      unknown,
    },
    ['similar_to', 'items', 'unknown'],
  ),
  Examples: {
    type: 'array',
    items: object(
      {
        user: { type: 'string', description: 'the id in the log' },
        history: { type: 'array', items: ref('NamedItem'), description: 'oldest first' },
        next: { ...ref('NamedItem'), description: 'what followed, if it was held out of training' },
      },
      ['user', 'history'],
    ),
  },
  Health: {
    type: 'object',
    properties: {
      status: { const: 'ok' },
      items: { type: 'integer', description: 'items of the catalogue' },
      window: { type: 'integer', description: 'how many of the latest items of a history count' },
      model: { type: 'string', description: 'what answers: an architecture, or a baseline' },
      explains: { type: 'boolean', description: 'whether it can tell what it looked at' },
      scores: { type: 'string', description: 'what its scores are' },
      step: { type: 'integer', description: 'training steps behind the weights of a trained model' },
      adapter: { type: 'string', description: 'the GPU of a trained model' },
      run: { type: 'string', description: 'the name of its run' },
      data: object(
        {
          name: { type: 'string' },
          users: { type: 'integer' },
          items: { type: 'integer' },
          interactions: { type: 'integer' },
          meanLength: { type: 'number', description: 'interactions a user' },
        },
        ['name', 'users', 'items', 'interactions', 'meanLength'],
        { description: 'what it was trained on' },
      ),
      quality: object(
        {
          split: { enum: ['validation', 'test'], description: 'whose next items were ranked' },
          metrics: {
            type: 'array',
            items: object(
              {
                name: { type: 'string', description: 'such as NDCG@10' },
                value: { type: 'number' },
                compared: { type: 'array', description: 'the same of baselines', items: measured },
              },
              ['name', 'value', 'compared'],
            ),
          },
        },
        ['split', 'metrics'],
        { description: 'how good these weights are, if that was measured' },
      ),
    },
    required: ['status', 'model', 'items', 'window', 'explains', 'scores'],
  },
};

/** The service's paths. The server has a handler for exactly these. */
export const PATHS = {
  '/': {
    get: {
      summary: 'a page on which to try the model',
      responses: { 200: { description: 'the page', content: { 'text/html': { schema: { type: 'string' } } } } },
    },
  },
  '/recommend': {
    post: {
      summary: 'what comes next after a history',
      requestBody: { required: true, content: { 'application/json': { schema: ref('Question') } } },
      responses: {
        200: answer('recommendations', ref('Recommendations')),
        400: refused('the question has a mistake'),
        413: refused('the body is too long'),
        503: refused('too many questions wait; come again in a moment'),
      },
    },
  },
  '/similar': {
    get: {
      summary: 'the items most like one, by the cosine of the vectors that a model scores them with',
      parameters: Object.values(similar),
      responses: {
        200: answer('items', ref('SimilarItems')),
        400: refused('the question has a mistake, or the model has no vectors of items'),
        503: refused('too many questions wait; come again in a moment'),
      },
    },
  },
  '/items': {
    get: {
      summary: 'items by id or title, the likeliest first',
      parameters: [
        { name: 'q', in: 'query', schema: { type: 'string' }, description: 'a text; the first items without it' },
        {
          name: 'limit',
          in: 'query',
          schema: { type: 'integer', minimum: 1, maximum: MOST_FOUND, default: 10 },
        },
      ],
      responses: {
        200: answer('items', { type: 'array', items: ref('NamedItem') }),
        400: refused('the limit is none'),
      },
    },
  },
  '/examples': {
    get: {
      summary: 'users of the data on whom to try the model',
      responses: {
        200: answer('some users; none if the data is not there, or other machines are served', ref('Examples')),
      },
    },
  },
  '/health': {
    get: {
      summary: 'whether the service can answer, and for which model',
      responses: { 200: answer('it can', ref('Health')), 500: refused('the device is lost or out of memory') },
    },
  },
  '/metrics': {
    get: {
      summary: 'counts and times for Prometheus',
      responses: { 200: { description: 'metrics', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
  },
  '/openapi.json': {
    get: {
      summary: 'this document',
      responses: { 200: answer('OpenAPI 3.1', { type: 'object' }) },
    },
  },
} as const;

/** The service as an OpenAPI document (OpenAPI Specification 3.1). @param version the version of this package */
export function openApi(version: string): object {
  const info = {
    title: 'gsas-wgpu',
    summary: 'Sequential recommendations',
    version,
    license: { name: 'MIT', identifier: 'MIT' },
  };
  return { openapi: '3.1.0', info, paths: PATHS, components: { schemas } };
}
