"""Sentences to speak: made from templates, conversational fillers and loose words; a few fixed ones for languages besides English.

Rich in what the lips show: p, b, m, f, v, w, th and round vowels come more often than in plain text.
"""

import random

_NAMES = "Bob Mary Philip Eve Thomas Ruth Vivian Walter Emma Hugo Beth Martin Fiona Peter Zoe Oliver Joyce Mabel".split()
_NOUNS = (
    "map boat apple table window river mother father brother village bottle move movie paper bumble problem number family camera "
    "thumb tooth mouth path cloth feather weather leather shoe moon spoon food fruit juice box rope boat home road phone cup bus "
    "book foot wolf wood voice boy toy coin house mouse town cow cake game rain train knife five wife leaf cliff puff bread bed "
    "friend web step lamp stamp camp plan man van hand cat jam church judge fish wish ship chip beach peach teacher measure treasure "
    "garage king ring song tongue bag leg frog duck clock kitchen garden question answer summer winter morning evening music pupil"
).split()
_VERBS = (
    "moves buys brings keeps finds loves gives proves believes makes becomes follows watches washes pushes pulls opens shuts breaks "
    "throws catches thinks knows wants needs uses chooses forgets remembers imagines compares prefers improves removes beats picks"
).split()
_ADJECTIVES = (
    "big small happy funny warm cold blue purple brown yellow soft rough smooth thin thick healthy heavy empty full famous beautiful "
    "available impossible possible young old loud quiet quick slow fresh fine brave simple double awful lovely other whole few"
).split()
_ADVERBS = "maybe often always never really probably usually suddenly perhaps finally obviously above before after afterwards".split()
_FILLERS = ("Well, ", "Um, ", "Uh, ", "Hmm. ", "So, ", "Oh! ", "Okay, ", "You know, ", "I mean, ", "Right. ", "Sure, ", "")
_TEMPLATES = (
    "{filler}{name} {verb} the {adj} {noun}.",
    "{filler}I {adverb} put my {noun} above the {adj} {noun2}.",
    "Whose {noun} is this, {name}'s or {name2}'s?",
    "{filler}what would you do with {number} {adj} {noun}s?",
    "We {adverb} move from the {noun} to the {noun2} and back.",
    "{filler}both of them have {number} {noun}s, a {noun2}, and a {adj} {noun3}.",
    "{name} {verb} {number} {noun}s, but {name2} {verb2} only {number2}.",
    "The {adj} {noun} {adverb} {verb} my {adj2} {noun2}.",
    "{filler}thank you very much for the {noun}; I'll be there at {number}.",
    "Please give me the {noun}, the {noun2}, the {noun3}.",
    "Why {adverb} {adj}? Because the {noun} {verb} everyone.",
    "Yes. No. {name}? {filler}wait for the {noun}.",
    "My {noun} was {adj}, your {noun2} was {adj2}, their {noun3} was above all.",
)  # fmt: skip
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve fourteen twenty forty-five ninety-nine".split()

OTHER_LANGUAGES = {
    "de": (
        "Guten Morgen, wie geht es Ihnen heute? Ich möchte bitte fünf Brötchen und eine Flasche Apfelsaft.",
        "Übermorgen fahren wir mit dem Zug nach München und besuchen meine Mutter.",
        "Das Wetter war wunderbar, aber abends wurde es plötzlich kühl und windig.",
        "Probieren Sie doch mal die Pfannkuchen, die schmecken vorzüglich!",
    ),
    "es": (
        "Buenos días, me llamo Pablo y vivo en un pueblo pequeño cerca de Valencia.",
        "¿Puedes abrir la ventana, por favor? Hace mucho calor en esta habitación.",
        "El próximo viernes vamos a comer pescado con mi familia y mis amigos.",
        "Bueno, primero compramos fruta, pan y vino; luego volvemos a casa.",
    ),
    "fr": (
        "Bonjour, je voudrais une baguette et deux croissants au beurre, s'il vous plaît.",
        "Demain matin nous partons pour Bordeaux avec une vieille voiture bleue.",
        "Est-ce que vous pouvez me prêter un peu de lumière pour ouvrir la porte ?",
        "Mon père aime beaucoup la musique, surtout le piano et la flûte.",
    ),
    "it": (
        "Buongiorno, vorrei un bicchiere di vino e una bella pizza con le verdure.",
        "Domani andiamo a Firenze a trovare la mamma e il papà di Giuseppe.",
    ),
    "pt-br": (
        "Bom dia, meu nome é Paula e eu moro em uma pequena vila perto do mar.",
        "Você pode fechar a porta, por favor? Faz muito frio lá fora.",
    ),
    "pl": ("Dzień dobry, proszę bułkę z masłem i filiżankę białej kawy.", "W piątek pojedziemy pociągiem do babci, która mieszka nad morzem."),
    "hi": ("नमस्ते, मेरा नाम पूजा है और मैं भारत में रहती हूँ।", "आज मौसम बहुत अच्छा है, हम बाहर घूमने चलते हैं।"),
    "ar": ("مرحبا، اسمي مريم وأسكن في بيت كبير قرب البحر.",),
    "ru": ("Доброе утро, меня зовут Владимир, я живу в большом городе.", "Попробуйте, пожалуйста, пирог с яблоками и мёдом."),
}


def sentence(random: random.Random) -> str:
    """One English sentence, or a string of loose words once in seven."""
    if random.random() < 1 / 7:
        words = random.choices(_NOUNS + _VERBS + _ADJECTIVES + _NUMBERS, k=random.randint(3, 9))
        return ", ".join(" ".join(words[i : i + 3]) for i in range(0, len(words), 3)) + "."
    pick = random.choice
    return pick(_TEMPLATES).format(
        filler=pick(_FILLERS), name=pick(_NAMES), name2=pick(_NAMES), noun=pick(_NOUNS), noun2=pick(_NOUNS), noun3=pick(_NOUNS),
        verb=pick(_VERBS), verb2=pick(_VERBS), adj=pick(_ADJECTIVES), adj2=pick(_ADJECTIVES), adverb=pick(_ADVERBS),
        number=pick(_NUMBERS), number2=pick(_NUMBERS),
    )  # fmt: skip
