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

_TALK = (
    "Ha ha ha! {filler}that was so funny, {name}.",
    "Heh heh. Really? Ha ha, no way!",
    "Mm-hmm. Mm. {filler}maybe. Hmm, let me see.",
    "Um, um... {filler}the, the {noun}, I mean the {noun2}, yes.",
    "Uh-huh. Oh, wow! Oops. Phew, {filler}that was a {adj} {noun}.",
    "Bye-bye, {name}! See you at {number}. Bye!",
)
"""Fillers, laughter and hesitation."""

OTHER_LANGUAGES = {
    "de": (
        "Guten Morgen, wie geht es Ihnen heute? Ich möchte bitte fünf Brötchen und eine Flasche Apfelsaft.",
        "Übermorgen fahren wir mit dem Zug nach München und besuchen meine Mutter.",
        "Das Wetter war wunderbar, aber abends wurde es plötzlich kühl und windig.",
        "Probieren Sie doch mal die Pfannkuchen, die schmecken vorzüglich!",
        "Warum hast du mir nicht früher Bescheid gesagt? Ich hätte dir gern geholfen.",
        "Vor dem Bahnhof warten viele Menschen auf den Bus zur Universität.",
        "Mein Bruder baut ein Boot aus Holz, und seine Frau malt es blau an.",
        "Ach so, das habe ich ganz vergessen, Entschuldigung.",
    ),
    "es": (
        "Buenos días, me llamo Pablo y vivo en un pueblo pequeño cerca de Valencia.",
        "¿Puedes abrir la ventana, por favor? Hace mucho calor en esta habitación.",
        "El próximo viernes vamos a comer pescado con mi familia y mis amigos.",
        "Bueno, primero compramos fruta, pan y vino; luego volvemos a casa.",
        "No sé por qué llegó tan tarde; el avión salió a las nueve y media.",
        "Mi abuela prepara una sopa muy buena con verduras y un poco de jamón.",
        "Ahora mismo estamos buscando un piso más grande en el centro.",
    ),
    "fr": (
        "Bonjour, je voudrais une baguette et deux croissants au beurre, s'il vous plaît.",
        "Demain matin nous partons pour Bordeaux avec une vieille voiture bleue.",
        "Est-ce que vous pouvez me prêter un peu de lumière pour ouvrir la porte ?",
        "Mon père aime beaucoup la musique, surtout le piano et la flûte.",
        "Je ne sais pas pourquoi il pleut toujours quand on veut se promener.",
        "Les enfants jouent dans le jardin pendant que leur mère prépare le repas.",
        "Oui, bien sûr, c'est une bonne idée, on peut en parler lundi.",
    ),
    "cmn": (
        "你好,我叫王明,我住在北京的一个小胡同里。",
        "今天天气非常好,我们去公园散步吧。",
        "请问,火车站怎么走?离这里远不远?",
        "我妈妈做的饭很好吃,特别是红烧排骨和白菜豆腐。",
        "明天上午八点我们在学校门口见面。",
        "不好意思,我没听明白,你能再说一遍吗?",
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
    "hi": (
        "नमस्ते, मेरा नाम पूजा है और मैं भारत में रहती हूँ।",
        "आज मौसम बहुत अच्छा है, चलो बाहर घूमने चलते हैं।",
        "कृपया मुझे एक गिलास पानी और थोड़ा सा दूध दीजिए।",
        "मेरे भाई ने कल बाज़ार से फल और सब्ज़ियाँ खरीदीं।",
        "आप कब वापस आएंगे? हम सब आपका इंतज़ार कर रहे हैं।",
    ),
    "ar": (
        "مرحبا، اسمي مريم وأسكن في بيت كبير قرب البحر.",
        "صباح الخير، كيف حالك اليوم؟ أريد كوبا من القهوة من فضلك.",
        "سافر أبي إلى بيروت مع أخي في بداية الأسبوع.",
        "هذا الكتاب مفيد جدا، وقد قرأته مرتين في الصيف.",
        "من فضلك افتح الباب، فالجو حار هنا.",
    ),
    "ru": ("Доброе утро, меня зовут Владимир, я живу в большом городе.", "Попробуйте, пожалуйста, пирог с яблоками и мёдом."),
}

HELD_OUT = {
    "Spanish": ("es", ("Mañana por la tarde queremos visitar el museo de pintura.", "Perdón, ¿me puede decir dónde está la farmacia más próxima?",
                       "Había una vez un lobo que vivía solo en el bosque.")),
    "German": ("de", ("Im Sommer schwimmen wir oft in dem kleinen See hinter dem Wald.", "Könnten Sie mir bitte sagen, wo die nächste Apotheke ist?",
                      "Es war einmal ein Wolf, der lebte allein im Wald.")),
    "French": ("fr", ("Hier après-midi nous avons visité le musée de peinture.", "Pardon, pouvez-vous me dire où se trouve la pharmacie ?",
                      "Il était une fois un loup qui vivait seul dans la forêt.")),
    "Mandarin": ("cmn", ("昨天下午我们参观了美术博物馆。", "对不起,你能告诉我药店在哪里吗?", "从前有一只狼,独自住在森林里面。")),
    "Hindi": ("hi", ("कल दोपहर को हम लोग संग्रहालय देखने गए थे।", "माफ़ कीजिए, क्या आप बता सकते हैं दवाई की दुकान कहाँ है?", "एक समय की बात है, जंगल में एक भेड़िया अकेला रहता था।")),
    "Arabic": ("ar", ("زرنا أمس متحف الفنون الجميلة بعد الظهر.", "عفوا، هل يمكنك أن تخبرني أين الصيدلية؟", "كان يا ما كان، ذئب يعيش وحيدا في الغابة.")),
}  # fmt: skip
"""Sentences for measuring, with the language's espeak-ng voice; never trained on."""


def sentence(random: random.Random) -> str:
    """One English sentence, or a string of loose words once in seven."""
    if random.random() < 1 / 7:
        words = random.choices(_NOUNS + _VERBS + _ADJECTIVES + _NUMBERS, k=random.randint(3, 9))
        return ", ".join(" ".join(words[i : i + 3]) for i in range(0, len(words), 3)) + "."
    pick = random.choice
    return pick(_TALK if random.random() < 0.12 else _TEMPLATES).format(
        filler=pick(_FILLERS), name=pick(_NAMES), name2=pick(_NAMES), noun=pick(_NOUNS), noun2=pick(_NOUNS), noun3=pick(_NOUNS),
        verb=pick(_VERBS), verb2=pick(_VERBS), adj=pick(_ADJECTIVES), adj2=pick(_ADJECTIVES), adverb=pick(_ADVERBS),
        number=pick(_NUMBERS), number2=pick(_NUMBERS),
    )  # fmt: skip
