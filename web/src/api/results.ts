/** The results of a search, and how close each one is. */

import type { Schemas } from "./client";
import { pictureOf, type Picture } from "./pictures";

/** The vectors that a picture is compared by. */
export const SPACES = ["image", "edge", "text", "style"] as const;
export type Space = (typeof SPACES)[number];
export type PerSpace<T> = Record<Space, T>;

type Scores = Schemas["SearchResult"]["scores"];

export interface Hit {
  picture: Picture;
  score: number;
  /** The cosine in each space; null where the query has nothing to compare. */
  scores: PerSpace<number | null>;
  /** The share of the collection that scores lower, 0..1; null without calibration. */
  percentiles: PerSpace<number | null>;
  /** The same for words: of the sentence made from the tags, or of a picture without tags. */
  wordsPercentile: number | null;
  /** The share of the collection that the query ranks lower; null without calibration. */
  percentile: number | null;
  /** How many look-alikes were left out. */
  duplicates: number;
  /** How much of the words the tags cover, 0..1; null without words. */
  lexical: number | null;
  /** The parts that the words were compared with, when the answer tells them apart. */
  words: Words | null;
}

/** What the words of a query are compared with. */
export const WORD_PARTS = ["sentence", "tags", "picture"] as const;
export type WordPart = (typeof WORD_PARTS)[number];

/** How close each part is to the words; the parts that the answer has. */
export interface Words {
  values: Partial<Record<WordPart, number>>;
  /** The part that adds most to the score, if one does. */
  closest: WordPart | null;
}

export interface SearchPage {
  hits: Hit[];
  nextCursor: string | null;
  weights: PerSpace<number>;
  tookMs: number;
  /** How many learned tag weights shaped the ranking. */
  priors: number;
  calibrated: boolean;
  /** Whether even the best hits are no closer than chance. */
  nothingClose: boolean;
  /** The words with misspelt ones corrected, if some are. */
  didYouMean: string | null;
  facets: Schemas["FacetsOfResults"] | null;
}

/**
 * A percentile as a length, 0..1, by how rare it is: the best tenth of a collection is a quarter,
 * the best hundredth half, the best thousandth three quarters.
 */
export function rarity(percentile: number): number {
  return Math.min(1, -Math.log10(Math.max(1e-4, 1 - percentile)) / 4);
}

/** Null unless the picture itself was compared with words. */
function wordsOf(result: Schemas["SearchResult"]): Words | null {
  const { text: sentence, words_image: picture }: Scores = result.scores;
  if (picture == null) return null;
  const values: Words["values"] = { picture };
  if (sentence !== null) values.sentence = sentence;
  if (result.lexical != null) values.tags = result.lexical;
  return { values, closest: WORD_PARTS.find((part) => part === result.words_part) ?? null };
}

export function hitOf(result: Schemas["SearchResult"]): Hit {
  return {
    picture: pictureOf(result.id, result.payload),
    score: result.score,
    scores: result.scores,
    percentiles: result.percentiles,
    wordsPercentile: result.percentiles.text ?? result.percentiles.words_image,
    percentile: result.percentile ?? null,
    duplicates: result.duplicates.length,
    lexical: result.lexical ?? null,
    words: wordsOf(result),
  };
}

/** A picture of the gallery that no search has found: it is compared with nothing. */
export function unscored(picture: Picture): Hit {
  const none = { image: null, edge: null, text: null, style: null };
  return {
    picture,
    score: 0,
    scores: none,
    percentiles: none,
    wordsPercentile: null,
    percentile: null,
    duplicates: 0,
    lexical: null,
    words: null,
  };
}

/** Whether a hit was compared with anything. */
export function isScored({ scores }: Hit): boolean {
  return SPACES.some((space) => scores[space] !== null);
}

export function pageOf(answer: Schemas["SearchResponse"]): SearchPage {
  return {
    hits: answer.results.map(hitOf),
    nextCursor: answer.next_cursor ?? null,
    weights: answer.weights,
    tookMs: answer.took_ms.total,
    priors: answer.priors_size,
    calibrated: answer.calibrated,
    nothingClose: answer.nothing_close,
    didYouMean: answer.did_you_mean?.text ?? null,
    facets: answer.facets ?? null,
  };
}
