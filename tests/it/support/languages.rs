//! Similar meetings in many languages and scripts, for checking the token estimate.

/// Name and text, in the order printed in tables.
pub(crate) const TEXTS: [(&str, &str); 21] = [
    ("German", GERMAN),
    ("Dutch", DUTCH),
    ("Spanish", SPANISH),
    ("Italian", ITALIAN),
    ("Indonesian", INDONESIAN),
    ("French", FRENCH),
    ("Polish", POLISH),
    ("Turkish", TURKISH),
    ("Vietnamese", VIETNAMESE),
    ("Russian", RUSSIAN),
    ("Greek", GREEK),
    ("Chinese", CHINESE),
    ("Japanese", JAPANESE),
    ("Korean", KOREAN),
    ("Thai", THAI),
    ("Hindi", HINDI),
    ("Arabic", ARABIC),
    ("Hebrew", HEBREW),
    ("time stamps", TIME_STAMPS),
    ("JSON", JSON),
    ("code", CODE),
];

const GERMAN: &str = "\
Frau Whitfield: Guten Morgen zusammen, ich eröffne die Vierteljahresbesprechung zur Fahrzeugbeschaffung. Die Straßenbahnwagen \
der neuen Baureihe verspäten sich voraussichtlich um acht Wochen.
Herr Ng: Liegt das am Zulieferer der Drehgestelle, oder an der Genehmigung durch das Eisenbahnbundesamt?
Frau Whitfield: An beidem. Die Zulassungsunterlagen wurden dreimal überarbeitet, zuletzt am 14. Oktober.
Herr Brandt: Die Rückstellungen für Vertragsstrafen betragen 2,4 Millionen Euro; damit kämen wir über das Haushaltsjahr.
Frau Öztürk: Ich möchte trotzdem wissen, weshalb die Fahrgastinformationssysteme noch immer nicht ausgeschrieben sind. Das \
hatten wir im Frühjahr beschlossen, und die Geschäftsführung hat es damals ausdrücklich gewünscht.
Herr Brandt: Weil die Leistungsbeschreibung fehlt. Bis Ende November liegt sie vor, dafür stehe ich gerade.";

const DUTCH: &str = "\
Mevrouw Jansen: Goedemorgen allemaal, we beginnen met het kwartaaloverleg. De remise aan de Gasstraat loopt vier maanden achter.
De heer Bakker: Heeft de aannemer de uitgewerkte planning al gestuurd waar we in augustus om gevraagd hebben?
Mevrouw Jansen: Nog niet. Hij zegt dat de bodem verontreinigd was en vraagt daarom 1,2 miljoen euro extra.
De heer Bakker: Daar ben ik het niet mee eens. De reserve bedraagt 2,74 miljoen en is bestemd voor de seinen.
Mevrouw De Wit: Ik stel voor dat we de gemeente voor december om toestemming vragen en intussen minder proefritten rijden.";

const SPANISH: &str = "\
Señora Molina: Buenos días a todos, empezamos la reunión trimestral. Las cocheras se retrasan cuatro meses.
Señor Ortega: ¿Ha enviado ya el contratista el calendario detallado que le pedimos en agosto?
Señora Molina: Todavía no. Dice que el suelo estaba contaminado y reclama un millón doscientos mil euros más.
Señor Ortega: No estoy de acuerdo. La reserva es de 2,74 millones y está destinada a la señalización.
Señora Ruiz: Propongo que consultemos al ayuntamiento antes de diciembre y reduzcamos mientras tanto los viajes de prueba.";

const ITALIAN: &str = "\
Signora Conti: Buongiorno a tutti, cominciamo la riunione trimestrale. Il deposito di via del Gas ritarda di quattro mesi.
Signor Greco: L'appaltatore ha mandato il programma dettagliato che gli avevamo chiesto ad agosto?
Signora Conti: Non ancora. Sostiene che il terreno fosse inquinato e pretende un milione e duecentomila euro in aggiunta.
Signor Greco: Non sono d'accordo. La riserva ammonta a 2,74 milioni ed era destinata agli impianti di segnalamento.
Signora Ferri: Propongo di rivolgerci al comune prima di dicembre e di ridurre nel frattempo le corse di prova.";

const INDONESIAN: &str = "\
Ibu Sari: Selamat pagi semuanya, kita mulai rapat triwulan. Pembangunan depo di Jalan Gas terlambat empat bulan.
Pak Budi: Apakah kontraktor sudah mengirimkan jadwal terperinci yang kita minta pada bulan Agustus?
Ibu Sari: Belum. Katanya tanahnya tercemar, sehingga mereka meminta tambahan satu juta dua ratus ribu.
Pak Budi: Saya tidak setuju. Dana cadangan hanya 2,74 juta dan sudah disisihkan untuk sistem persinyalan.
Ibu Ratna: Saya usulkan supaya kita menghubungi pemerintah kota sebelum Desember dan mengurangi perjalanan uji coba.";

const FRENCH: &str = "\
Mme Delacroix : Bonjour à tous. L'ordre du jour comporte trois points : le dépôt, les rames et les tarifs d'hiver.
M. Lefèvre : Le dépôt est en retard de quatre mois, parce que le sol était pollué et qu'il a fallu l'excaver à nouveau.
Mme Delacroix : Combien cela coûte-t-il, et qui l'a autorisé ? Je n'ai reçu aucune pièce justificative avant-hier.
M. Lefèvre : Un million deux cent mille euros, prélevés sur la réserve ; l'autorisation date du 7 septembre.
Mme Haddad : Il faudrait d'abord que l'entrepreneur réponde à notre courrier, sinon nous irons devant le médiateur.";

const POLISH: &str = "\
Pani Wiśniewska: Dzień dobry, zaczynamy przegląd kwartalny. Zajezdnia przy ulicy Gazowej opóźni się o cztery miesiące.
Pan Zieliński: Czy wykonawca przedstawił już szczegółowy harmonogram, o który prosiliśmy w sierpniu?
Pani Wiśniewska: Jeszcze nie. Twierdzi, że zanieczyszczenie gruntu było nieprzewidywalne, i żąda dodatkowych 1,2 miliona.
Pan Zieliński: Nie zgadzam się. Rezerwa wynosi 2,74 miliona złotych i jest przeznaczona na sygnalizację świetlną.
Pani Jabłońska: Proponuję, żebyśmy zwrócili się do miasta przed grudniem, a tymczasem ograniczyli liczbę przejazdów próbnych.";

const TURKISH: &str = "\
Ayşe Hanım: Günaydın arkadaşlar, üç aylık değerlendirme toplantısını açıyorum. Depo inşaatı dört ay gecikecek.
Mehmet Bey: Müteahhit ayrıntılı çalışma programını hâlâ göndermedi mi? Ağustosta istemiştik.
Ayşe Hanım: Göndermedi. Toprağın kirli olduğunu, bu yüzden 1,2 milyon lira ek ödeme gerektiğini söylüyor.
Mehmet Bey: Kabul edemeyiz; yedek akçemiz 2,74 milyon ve sinyalizasyon için ayrıldı.
Zeynep Hanım: Aralıktan önce belediyeye başvurmayı, bu arada deneme seferlerini azaltmayı öneriyorum.";

const VIETNAMESE: &str = "\
Bà Hương: Chào mọi người, chúng ta bắt đầu cuộc họp quý ba. Nhà ga mới sẽ chậm bốn tháng so với kế hoạch.
Ông Dũng: Nhà thầu đã gửi tiến độ chi tiết mà chúng ta yêu cầu hồi tháng tám chưa?
Bà Hương: Vẫn chưa. Họ nói đất bị ô nhiễm và đòi thêm một triệu hai trăm nghìn.
Ông Dũng: Tôi không đồng ý. Quỹ dự phòng chỉ có 2,74 triệu và đã dành cho hệ thống tín hiệu.
Cô Mai: Tôi đề nghị hỏi ý kiến thành phố trước tháng mười hai và tạm thời giảm số chuyến chạy thử.";

const RUSSIAN: &str = "\
Ольга Петровна: Доброе утро, коллеги. Начинаем квартальное совещание по закупке подвижного состава.
Сергей Иванов: Поставка тележек задерживается на восемь недель, поставщик ссылается на сертификацию.
Ольга Петровна: А что с депо на Газовой улице? Нам обещали сдать его к двадцать седьмому марта.
Сергей Иванов: Грунт оказался загрязнён, подрядчик требует ещё миллион двести тысяч рублей сверх договора.
Анна Белова: У нас в резерве всего 2,74 миллиона. Предлагаю обратиться в городскую администрацию до декабря.
Ольга Петровна: Хорошо, записываю поручение: Анна готовит обоснование к седьмому ноября, Сергей предоставляет график.";

const GREEK: &str = "\
Ελένη: Καλημέρα σας, ξεκινάμε την τριμηνιαία συνεδρίαση. Το αμαξοστάσιο θα καθυστερήσει τέσσερις μήνες.
Νίκος: Έστειλε ο εργολάβος το αναλυτικό χρονοδιάγραμμα που ζητήσαμε τον Αύγουστο;
Ελένη: Όχι ακόμη. Λέει ότι το έδαφος ήταν μολυσμένο και ζητά επιπλέον 1,2 εκατομμύρια ευρώ.
Νίκος: Δεν συμφωνώ. Το αποθεματικό είναι 2,74 εκατομμύρια και προορίζεται για τη σηματοδότηση.";

const CHINESE: &str = "\
王主任：大家早上好，今天讨论三个问题：车库的进度、新列车的交付时间，还有冬季的票价调整。
李工程师：车库比计划晚了四个月，因为施工时发现土壤被污染，必须重新开挖和处理。
王主任：承包商要求追加一百二十万元，这笔钱应该由谁来承担？合同里有没有写清楚？
赵会计：储备金一共只有二百七十四万元，而且已经留给信号系统使用，不能随便动用。
李工程师：我建议在十二月以前向市政府提交报告，请他们先审核预算，再决定是否继续试运行。
王主任：好的，赵会计在十一月七日以前准备材料，李工程师负责和承包商沟通，下次会议再汇报结果。";

const JAPANESE: &str = "\
田中：おはようございます。第三四半期の会議を始めます。車庫の工事は四か月遅れる見込みです。
佐藤：請負業者から詳しい工程表は届きましたか。八月にお願いしたはずですが。
田中：まだ届いていません。土壌が汚染されていたため、追加で百二十万円が必要だと言っています。
佐藤：それは認められません。予備費は二百七十四万円しかなく、信号システムのために確保してあります。
鈴木：十二月までに市役所に相談して、その間は試運転の本数を減らすことを提案します。
田中：では、鈴木さんが十一月七日までに資料を作成し、スケジュールはメールで共有してください。";

const KOREAN: &str = "\
김 과장: 안녕하세요, 삼분기 회의를 시작하겠습니다. 차량기지 공사가 넉 달 늦어질 것으로 보입니다.
이 대리: 시공사에서 상세 공정표를 보내 왔습니까? 팔월에 요청했던 것으로 기억합니다.
김 과장: 아직입니다. 토양이 오염되어 있어서 백이십만 원이 더 필요하다고 합니다.
이 대리: 동의할 수 없습니다. 예비비는 2.74백만 원뿐이고 신호 체계에 배정되어 있습니다.
박 사원: 십이월 전에 시청에 문의하고, 그동안 시운전 횟수를 줄일 것을 제안합니다.";

const THAI: &str = "\
คุณสมชาย: สวัสดีครับทุกท่าน วันนี้เราจะประชุมเรื่องโรงจอดรถไฟฟ้าที่ล่าช้าไปสี่เดือน
คุณมาลี: ผู้รับเหมาส่งแผนงานโดยละเอียดมาหรือยังคะ เราขอไว้ตั้งแต่เดือนสิงหาคมแล้ว
คุณสมชาย: ยังไม่ได้ส่งครับ เขาบอกว่าดินปนเปื้อน จึงต้องใช้เงินเพิ่มอีกหนึ่งล้านสองแสนบาท
คุณมาลี: ดิฉันไม่เห็นด้วยค่ะ เงินสำรองมีเพียง 2.74 ล้านบาท และกันไว้สำหรับระบบอาณัติสัญญาณ
คุณวิชัย: ผมเสนอให้ปรึกษาทางเมืองก่อนเดือนธันวาคม และลดจำนวนเที่ยวทดลองวิ่งลงก่อน";

const HINDI: &str = "\
श्रीमती शर्मा: सुप्रभात, हम तिमाही बैठक शुरू करते हैं। डिपो का निर्माण चार महीने देर से पूरा होगा।
श्री वर्मा: क्या ठेकेदार ने विस्तृत कार्यक्रम भेज दिया है, जो हमने अगस्त में माँगा था?
श्रीमती शर्मा: अभी तक नहीं। उसका कहना है कि मिट्टी प्रदूषित थी और उसे बारह लाख रुपये और चाहिए।
श्री वर्मा: मैं सहमत नहीं हूँ। आरक्षित निधि केवल 2.74 करोड़ है और वह सिग्नल प्रणाली के लिए रखी गई है।
सुश्री गुप्ता: मेरा प्रस्ताव है कि दिसंबर से पहले नगर निगम से पूछा जाए और परीक्षण यात्राएँ कम की जाएँ।";

const ARABIC: &str = "\
السيدة ليلى: صباح الخير جميعًا، نبدأ اجتماع الربع الثالث. سيتأخر بناء المستودع أربعة أشهر عن الموعد المحدد.
السيد كريم: هل أرسل المقاول الجدول الزمني المفصل الذي طلبناه في شهر أغسطس؟
السيدة ليلى: ليس بعد. يقول إن التربة كانت ملوثة، ويطلب مليونًا ومئتي ألف إضافية.
السيد كريم: لا أوافق على ذلك. الاحتياطي لا يتجاوز 2.74 مليون، وهو مخصص لنظام الإشارات.
السيدة هدى: أقترح أن نسأل البلدية قبل ديسمبر، وأن نخفض عدد الرحلات التجريبية في هذه الأثناء.";

const HEBREW: &str = "\
רות: בוקר טוב לכולם, אנחנו מתחילים את הישיבה הרבעונית. בניית המוסך תתעכב בארבעה חודשים.
דוד: האם הקבלן שלח את לוח הזמנים המפורט שביקשנו באוגוסט?
רות: עדיין לא. הוא טוען שהקרקע מזוהמת ודורש עוד מיליון ומאתיים אלף שקלים.
דוד: אני לא מסכים. הקרן היא רק 2.74 מיליון והיא מיועדת למערכת האיתות.";

const TIME_STAMPS: &str = "\
[00:00:04.120] 00:00:07.480  CDR   103-101  78-100  27.4
[00:00:13.000] 00:00:14.960  LMP   102-101  77-099  26.9
[00:01:02.335] 00:01:06.001  CC    101-100  77-098  26.7
[00:12:30.900] 00:12:31.450  CMP   100-099  76-098  25.1
[01:04:13:29]  01:04:13:41   CDR   099-097  75-097  24.8
[-00:00:00:03] 00:00:00:03   CC    3, 2, 1, 0
[102:45:39]    102:45:40     LMP   60 s; 30 ft, 2 1/2 down; 4 fwd; 4 fwd
2024-10-14T10:02:00Z;2024-10-14T10:02:28Z;0.4215;1.25e-3;+17.50%;$4,215,000.00
1
00:00:01,000 --> 00:00:04,000
2
00:00:05,000 --> 00:00:09,000";

const JSON: &str = r#"{"results":{"transcripts":[{"transcript":"Okay, the red light's on."}],"speaker_labels":{"speakers":2,
"segments":[{"start_time":"0.54","end_time":"3.12","speaker_label":"spk_0","items":[{"start_time":"0.54","end_time":"0.91",
"speaker_label":"spk_0"},{"start_time":"0.91","end_time":"1.03","speaker_label":"spk_0"}]}]},"items":[{"id":0,"type":
"pronunciation","alternatives":[{"confidence":"0.998","content":"Okay"}],"start_time":"0.54","end_time":"0.91"},{"id":1,
"type":"punctuation","alternatives":[{"confidence":"0.0","content":","}]}]},"status":"COMPLETED","accountId":"123456789012",
"jobName":"f3b1c9d2-7e44-4a0b-9c1e-5d2f8a6b7c01"}"#;

const CODE: &str = r#"// The snippet that was shared on the screen at 00:41:07.
pub fn apportion(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    let mut parts: Vec<_> = weights.iter().map(|w| ((total as f64) * w / sum).floor() as usize).collect();
    for i in 0..(total - parts.iter().sum::<usize>()) { parts[i % weights.len()] += 1; }
    parts
}
SELECT s.id, COUNT(*) AS n FROM stops s LEFT JOIN delays d ON d.stop_id = s.id WHERE d.minutes >= 5 GROUP BY 1;
if (err != nil) { return fmt.Errorf("could not open %q: %w", path, err) }
for f in $(ls -1 *.txt | grep -v '^_'); do curl -sS -X PUT "https://example.com/in/${f}?x=1&y=2" -T "$f"; done"#;
