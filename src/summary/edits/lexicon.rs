//! The words that an edit must keep, may add, or must not add, by language.
//!
//! An entry is a word in lower case. `approv-` stands for the words that begin with it, `-zig` for those that end with it, and
//! `-hundert-` for those that contain it. Words are cut at apostrophes: `don't` is `don` and `t`, `n'est` is `n` and `est`.

use crate::text::tag;

/// What is known of a language. Edits in other languages are refused: nobody could tell what they do to a negation.
#[derive(Debug)]
pub(super) struct Lexicon {
    language: &'static str,
    /// Negations, hedges, modal verbs, conditions and quantities. They stay as they are, where they are.
    pub(super) kept: &'static str,
    /// Verbs and prepositions that make a statement somebody's view, hope or plan. All of them stay.
    pub(super) attributions: &'static str,
    /// Numbers in letters and dates. They stay as they are.
    pub(super) numbers: &'static str,
    /// Words that may be added: they carry no facts.
    pub(super) links: &'static str,
    /// Outcomes, comparisons and causes, which must not be added even if the document has the word elsewhere.
    pub(super) outcomes: &'static str,
    /// Words with which a sentence refers to the one before it.
    pub(super) leaning: &'static str,
}

/// Beginnings of words that turn them into their opposites.
pub(super) const REVERSALS: [&str; 14] = [
    "un", "in", "im", "ir", "il", "dis", "non", "mis", "miss", "des", "dés", "dé", "anti", "de",
];

/// The lexicon of a language, if there is one.
pub(super) fn of(language: &str) -> Option<&'static Lexicon> {
    let code = tag::primary(language);
    LEXICONS.iter().find(|lexicon| lexicon.language == code)
}

/// Whether `entries` have `word`, which is in lower case.
pub(super) fn has(entries: &str, word: &str) -> bool {
    entries.split_whitespace().any(|entry| {
        let begins = entry.strip_suffix('-');
        let ends = begins.unwrap_or(entry).strip_prefix('-');
        match (begins, ends) {
            (Some(_), Some(inner)) => word.contains(inner),
            (Some(start), None) => word.starts_with(start),
            (None, Some(end)) => word.ends_with(end),
            (None, None) => word == entry,
        }
    })
}

static LEXICONS: [Lexicon; 4] = [
    Lexicon {
        language: "en",
        kept: "not no non never none nobody nothing nowhere neither nor t cannot without against hardly barely scarcely rarely seldom \
               unlikely impossible improbable may might could can would should must shall will ought need needs needed about around \
               roughly approximately approx nearly almost virtually some something somewhat kind sort probably possibly perhaps maybe \
               likely apparently seemingly reportedly allegedly presumably supposedly potentially largely mostly partly mainly \
               generally usually often sometimes occasionally only merely still yet already if unless until whether provided \
               except otherwise or either least most more less fewer than over under below above up all every any each many much \
               few several both again eventually currently",
        attributions: "said say says saying told tell tells claim- according argued argue argues arguing stated stating reported reporting \
                       asked ask asks asking deny denied denies denying insist- suggest- believ- belief think thinks thinking thought \
                       feel feels felt hope hopes hoped hoping expect- planned planning plans intend- intention- propos- wanted want \
                       wants wish wished wishes promis- assum- estimat- predict- forecast- warn- fear- doubt- seem- appear- consider- \
                       suppos- alleg- view views viewed opinion- understood understands guess- wonder- noted noting added adding \
                       explain- acknowledg- admit- conced- tried try tries trying attempt- sought seek seeks seeking encourag- \
                       recommend- request- describ- maintain- emphasi- stress- pointed hint- imply implied implies call called calls \
                       concern- worr- agree- accept-",
        numbers: "zero one ones two three four five six seven eight nine ten eleven twelve -teen twenty thirty forty fifty sixty seventy \
                  eighty ninety hundred- thousand- million- billion- trillion- dozen- half halves third- quarter- fifth- sixth- \
                  seventh- eighth- ninth- tenth- first second seconds secondly last once twice thrice double- triple- single couple \
                  pair percent cent cents pct today tomorrow yesterday tonight january february march april june july august september october \
                  november december monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter",
        links: "the a an this that these those it its he she they them their theirs his her hers him who whom whose which where when while \
                and also then there here of in on at to for from with by as is was were are be been being has had have do did does doing \
                same such s itself themselves himself herself former latter another other others within into during",
        outcomes: "approv- reject- refus- disagree- oppos- support- confirm- decid- decision- settl- resolv- adopt- withdr- cancel- \
                   postpon- delay- increas- decreas- reduc- rise rises rising risen rose fall falls fell fallen falling grow- grew \
                   cut cuts doubled halv- higher lower better worse best worst bigger smaller earlier later before after since because \
                   therefore hence thus caus- led leads leading result- due owing blam- fault- guilt- legal- illegal- unlaw- lawful- \
                   fraud- corrupt- fail- succe- win wins won winning lost lose loses losing loss- prov- proof true truth false fact \
                   facts right wrong correct- incorrect- error- mistak- lie lies lied lying always forever certain- sure definite- \
                   guarante- unanim- complet- total- entire- wholly fully exact- precis- begin- began begun end ends ended ending \
                   clos- open- stop- start- allow- forbid- forbad- forbidden ban bans banned permit- requir- oblig- mandator- able \
                   unable possible safe- unsafe danger- yes secret- vot- elect- resign- dismiss- fired hire- sack- accus- arrest- \
                   charg- sue sued apolog- keep keeps kept leave leaves left abandon- win lack- ignor- forgot- forget- threat- \
                   although though despite but however instead unlike opposite contrary",
        leaning: "he she it they this that these those his her hers their theirs its him them but however also so therefore yet still then \
                  there both such another instead otherwise and or yes no nor neither similarly likewise too",
    },
    Lexicon {
        language: "de",
        kept: "nicht kein keine keinen keinem keiner keines nie niemals niemand- nichts nirgends weder noch ohne gegen kaum wohl \
               vielleicht möglicherweise wahrscheinlich vermutlich voraussichtlich eventuell womöglich angeblich offenbar anscheinend \
               scheinbar etwa ungefähr rund circa ca fast beinahe knapp nahezu mindestens höchstens maximal minimal bis nur lediglich \
               bloß erst schon teilweise größtenteils meist meistens manchmal selten oft häufig kann können könnte- konnte- könne mag \
               mögen möge möchte- dürfte- darf dürfen durfte- soll- muss müss- musste- will wollen wollte- wolle wird werden würde- \
               werde wurde wurden wenn falls sofern ob außer sonst oder entweder mehr weniger alle allen alles aller einige- manche- \
               viel viele vielen wenig- mehrere- jede- unwahrscheinlich- unmöglich- sei seien habe hätte- wäre-",
        attributions: "sag- gesagt laut zufolge mein- gemeint erklär- behaupt- bericht- erwart- hoff- glaub- denk- dacht- gedacht find- fand- \
                       gefunden plan- geplant beabsicht- vorgeschlagen vorschlag- schlug- schlägt versprach- versproch- versprich- \
                       angenommen annahm- schätz- geschätzt warn- gewarnt fürcht- befürcht- bezweif- zweif- schein- schien- frag- \
                       gefragt bat bitt- gebeten forder- gefordert empfahl- empfehl- empfiehl- empfohlen beton- ansicht- meinung- \
                       fügte hinzu versuch- vermut- wünsch- gewünscht äußer- geäußert stimmte",
        numbers: "null eins zwei zwo drei vier fünf sechs sieben acht neun elf zwölf -zehn- -zwanzig- -dreißig- -vierzig- -fünfzig- \
                  -sechzig- -siebzig- -achtzig- -neunzig- -hundert- -tausend- -million- -milliard- dutzend- halb- anderthalb- \
                  hälfte- drittel- viertel- fünftel- erste ersten erster erstes erstmals zweite- dritte- vierte- fünfte- sechste- siebte- \
                  achte- neunte- letzte- einmal zweimal dreimal -mal doppelt- prozent heute morgen gestern januar februar märz \
                  april mai juni juli august september oktober november dezember montag- dienstag- mittwoch- donnerstag- freitag- \
                  samstag- sonntag-",
        links: "der die das den dem des ein eine einen einem einer eines er sie es ihn ihm ihr ihnen sein seine seinen seinem seiner ihre \
                ihren ihrem ihrer dies diese dieser dieses diesen diesem dort hier da dann dabei dazu davon dafür damit darauf daran \
                darin dass auch und in im an am auf zu zum zur für von vom mit bei beim aus über um als wie welche welcher welches sich \
                ist sind war waren hat hatte hatten haben sowie zudem außerdem ferner ebenso dessen deren denen",
        outcomes: "genehmig- abgelehnt ablehn- lehnt- beschloss- beschließ- beschlüss- entscheid- entschied- zustimm- zugestimmt einig- \
                   uneinig- wider- bestätig- verweiger- bestreit- bestritt- akzeptier- unterstütz- steig- stieg- gestiegen erhöh- sink- \
                   sank- gesunken senk- reduz- verring- fiel- gefallen wachs- wuchs- gewachsen besser- schlecht- höher- niedriger- \
                   größer- kleiner- vor nach vorher nachher weil deshalb daher darum denn verursach- führt- schuld- legal- illegal- \
                   rechtswidrig- betrug- betrog- scheiter- erfolg- gewonnen gewinn- gewann- verlor- verlier- wahr falsch- richtig- \
                   fehler- irrtum- lüg- log immer sicher- garantier- einstimmig- vollständig- genau- beginn- begann- begonnen end- \
                   beend- schließ- schloss- geschlossen öffn- geöffnet verbot- verbiet- erlaub- verpflicht- zwing- zwang- möglich- \
                   gefähr- ja öffentlich- geheim- wähl- gewählt rücktritt- zurück- entlass- anklag- angeklagt aber jedoch obwohl trotz- \
                   statt- sondern",
        leaning: "er sie es dies diese dieser dieses das sein seine ihr ihre ihm ihnen ihn aber jedoch auch also deshalb daher dann dort \
                  beide solche und oder ja nein doch trotzdem außerdem zudem dabei dafür dagegen davon darauf dazu damit ebenso",
    },
    Lexicon {
        language: "fr",
        kept: "ne n pas point jamais aucun- rien personne ni sans contre non guère plus moins peut peuvent pourra- pouvai- pouvoir doi- \
               devr- devai- devoir faut faudra- veut veulent voudra- environ presque quasi- approximativement probable- possible- \
               éventuel- apparemment doute prétendument vraisemblable- autour près quelque- seule- uniquement si sauf sinon ou soit \
               maximum minimum tout tous toute- certain- chaque plusieurs peu beaucoup souvent parfois rarement partiel- surtout encore \
               déjà jusqu serai- sera seront aurai- aura auront improbable- impossible-",
        attributions: "dit dite disent disai- dire déclar- affirm- prétend- selon estim- pens- croi- croy- cru espér- espèr- attend- prévoi- \
                       prévoy- prévu- propos- promet- promis- suggér- suggèr- expliqu- demand- crai- doutai- sembl- suppos- avis \
                       opinion- rapport- indiqu- ajout- soulign- avert- recommand- encourag- souhait- voul- tent- essa- not- jug- \
                       considér- considèr-",
        numbers: "zéro deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt- trente- quarante- \
                  cinquante- soixante- septante- huitante- nonante- cent cents centaine- mille millier- million- milliard- douzaine- \
                  dizaine- premi- second- -ième -ièmes demi- moitié tiers quart- dernier- dernière- fois double- triple- aujourd hui \
                  demain hier janvier février mars avril mai juin juillet août septembre octobre novembre décembre lundi mardi \
                  mercredi jeudi vendredi samedi dimanche",
        links: "le la les l un une des du de d au aux ce cet cette ces il elle ils elles lui leur leurs son sa ses se s qui que qu dont où \
                et aussi ainsi y en dans sur à pour par avec est sont était étaient été être a ont avait avaient eu puis ensuite ici là \
                même mêmes celui celle ceux celles lequel laquelle lesquels c",
        outcomes: "approuv- rejet- refus- accept- accord- désaccord- oppos- souten- soutien- soutenu- confirm- nie nié nier décid- \
                   décision- adopt- annul- retard- augment- hauss- baiss- rédui- diminu- croî- croiss- chut- mieux pire- meilleur- \
                   supérieur- inférieur- avant après depuis parce car donc caus- raison- conséquen- légal- illég- fraud- éche- échou- \
                   réuss- gagn- perd- perte- vrai- faux fausse- erreur- mensonge- ment- toujours sûr- garanti- unanim- complet- \
                   complèt- exact- précis- commenc- fin termin- ferm- ouvr- ouvert- interdi- autoris- oblig- danger- oui secret- \
                   vot- élu- démission- licenci- accus- inculp- mais cependant pourtant malgré bien",
        leaning: "il elle ils elles ce cet cette ces cela ceci celui celle ceux celles son sa ses leur leurs lui mais cependant aussi donc \
                  alors puis ensuite et ou oui non ni toutefois pourtant y en",
    },
    Lexicon {
        language: "es",
        kept: "no nunca jamás nadie nada ningún ningun- ni sin contra tampoco apenas puede- podrí- podía- podrá- poder debe- debí- deber- \
               quizá quizás talvez vez probable- posible- aproximada- alrededor unos unas casi cerca aparente- supuesta- presunta- \
               presumible- eventual- más menos solo sólo sola- únicamente si salvo excepto o u todo- toda- algun- algún cada varios \
               varias mucho- mucha- poco- poca- menudo parcial- máximo mínimo hasta aún todavía ya sería- habría- será- habrá- \
               improbable- imposible-",
        attributions: "dijo dijeron dice dicen decir dicho declar- afirm- aleg- según consider- cree creía- creyó creen piens- pens- esper- estim- \
                       prevé- previst- propus- propon- promet- sugir- sugier- explic- pregunt- pidi- pide- pedi- tem- dud- parec- \
                       supon- supus- opini- juicio inform- indic- añad- subray- advirt- advert- recomend- quier- querí- quiso intent- \
                       señal- trat-",
        numbers: "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieci- veint- treinta- \
                  cuarenta- cincuenta- sesenta- setenta- ochenta- noventa- cien ciento- -cientos -cientas quinient- mil miles millón \
                  millon- docena- decena- centena- primer- segund- tercer- cuart- quint- sext- últim- medio media mitad tercio- \
                  veces doble- triple- hoy mañana ayer enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre \
                  diciembre lunes martes miércoles jueves viernes sábado domingo",
        links: "el la los las un una lo al del de a en y e que quien quienes cual cuales cuyo cuya este esta esto estos estas ese esa eso esos \
                esas aquel aquella él ella ellos ellas le les se su sus por para con como también además así allí aquí entonces luego es \
                son era eran fue fueron ha han había habían sido ser está están estaba estaban mismo misma donde",
        outcomes: "aprob- aprueb- rechaz- acept- acuerd- acord- desacuerd- opon- opus- apoy- confirm- neg- nieg- decid- decisi- adopt- \
                   cancel- aplaz- retras- aument- subi- sube- baj- redu- dismin- crec- cae- cayó mejor- peor- mayor- menor- antes \
                   después desde porque pues caus- debido culp- legal- ilegal- fraud- fracas- éxito- gan- perd- pérdid- verdad- \
                   fals- error- ment- mient- siempre ciert- segur- garant- unánim- complet- exact- precis- empez- empiez- comenz- \
                   termin- fin cerr- cierr- abr- abiert- prohib- permit- oblig- peligr- sí secret- vot- elegi- elig- dimi- despid- \
                   acus- pero sin aunque pesar sino",
        leaning: "él ella ello ellos ellas este esta esto estos estas ese esa eso esos esas aquel aquella su sus pero sin también además así \
                  entonces luego y o sí no ni tampoco ambos ambas",
    },
];
