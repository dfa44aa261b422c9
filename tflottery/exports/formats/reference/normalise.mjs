// From a text to the ids that a model takes: the reference in JavaScript, without any package.
//
// `node normalise.mjs` checks it against the texts of normalisation.json beside it. The file
// normalisation.md says in words what is done here. In a page: import { Normaliser }, and give it
// what normalisation.json and vocabulary.txt hold.

export class Normaliser {
  /**
   * @param {object} about what normalisation.json holds
   * @param {string} vocabulary what vocabulary.txt holds
   */
  constructor(about, vocabulary) {
    this.about = about;
    this.ids = new Map(vocabulary.split("\n").slice(0, -1).map((word, number) => [word, number]));
    this.rules = about.rules.map((rule) => [
      new RegExp(rule.pattern.replace(/\\p([LMN])/g, "\\p{$1}"), "gu"),
      rule.becomes.replace(/\\(\d)/g, "$$$1"),
    ]);
  }

  /** @param {string} text @returns {string[]} */
  words(text) {
    text = text.replaceAll("\0", " ").toLowerCase();
    for (const [pattern, becomes] of this.rules) text = text.replace(pattern, becomes);
    return text.split(" ").filter((word) => word !== "");
  }

  /** The words that are read, at most max_length. @param {string} text @returns {string[]} */
  kept(text) {
    const { max_length, first, last } = this.about;
    const words = this.words(text);
    if (words.length <= max_length) return words;
    return [...words.slice(0, first), ...words.slice(words.length - last)];
  }

  /** At least one id, at most max_length, without padding. @param {string} text */
  encode(text) {
    const { unknown } = this.about;
    const words = this.kept(text);
    return words.length ? words.map((word) => this.ids.get(word) ?? unknown) : [unknown];
  }
}

async function check(folder) {
  const { readFileSync } = await import("node:fs");
  const read = (name) => readFileSync(new URL(name, folder), "utf8");
  const normaliser = new Normaliser(JSON.parse(read("normalisation.json")), read("vocabulary.txt"));
  const { vectors } = normaliser.about;
  const wrong = vectors.filter(
    ({ text, ids }) => JSON.stringify(normaliser.encode(text)) !== JSON.stringify(ids),
  );
  for (const { text, ids } of wrong) {
    console.log(`${JSON.stringify(text)}: ${normaliser.encode(text)}, not ${ids}`);
  }
  console.log(`${vectors.length - wrong.length} of ${vectors.length} texts have their ids`);
  process.exitCode = wrong.length || !vectors.length ? 1 : 0;
}

if (typeof process !== "undefined" && process.argv?.[1]?.endsWith("normalise.mjs")) {
  await check(new URL(".", import.meta.url));
}
