// From a text to the ids that a model takes: the reference in Kotlin, for Android (whose org.json it
// reads the files with). normalisation.md says in words what is done here; a unit test of an app
// should run `wrong()` on the files beside this one and find nothing.

import java.io.File
import java.util.Locale
import org.json.JSONObject

class Normaliser(about: JSONObject, vocabulary: String) {
    private val about = about
    private val ids =
        vocabulary.split("\n").dropLast(1).withIndex().associate { (number, word) -> word to number }
    private val rules =
        about.getJSONArray("rules").let { rules ->
            (0 until rules.length()).map { place ->
                val rule = rules.getJSONObject(place)
                Regex(pattern(rule.getString("pattern"))) to
                    rule.getString("becomes").replace("\\1", "$1").replace("\\2", "$2")
            }
        }

    fun words(text: String): List<String> {
        var words = text.replace('\u0000', ' ').lowercase(Locale.ROOT)
        for ((pattern, becomes) in rules) words = pattern.replace(words, becomes)
        return words.split(' ').filter { it.isNotEmpty() }
    }

    /** At least one id, at most max_length, without padding. */
    fun encode(text: String): IntArray {
        val unknown = about.getInt("unknown")
        var words = words(text)
        if (words.size > about.getInt("max_length")) {
            words = words.take(about.getInt("first")) + words.takeLast(about.getInt("last"))
        }
        if (words.isEmpty()) return intArrayOf(unknown)
        return words.map { ids[it] ?: unknown }.toIntArray()
    }

    /** The texts of normalisation.json that get other ids than they should. */
    fun wrong(): List<String> {
        val vectors = about.getJSONArray("vectors")
        return (0 until vectors.length()).map { vectors.getJSONObject(it) }.filter { vector ->
            val expected = vector.getJSONArray("ids")
            val found = encode(vector.getString("text"))
            found.size != expected.length() ||
                found.indices.any { found[it] != expected.getInt(it) }
        }.map { it.getString("text") }
    }

    companion object {
        fun read(folder: File) =
            Normaliser(
                JSONObject(File(folder, "normalisation.json").readText()),
                File(folder, "vocabulary.txt").readText(),
            )

        // Java's \b knew letters beyond ASCII before version 19; that of the rules does not.
        private const val INSIDE = "[0-9A-Za-z_]"
        private const val EDGE = "(?:(?<=$INSIDE)(?!$INSIDE)|(?<!$INSIDE)(?=$INSIDE))"
        private const val NO_EDGE = "(?:(?<=$INSIDE)(?=$INSIDE)|(?<!$INSIDE)(?!$INSIDE))"

        private fun pattern(of: String) = of.replace("\\b", EDGE).replace("\\B", NO_EDGE)
    }
}
