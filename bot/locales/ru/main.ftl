## Слова, которые встречаются везде

points = { $n ->
    [one] { $shown } балл
    [few] { $shown } балла
   *[many] { $shown } баллов
}
percent = { $shown } %
of-rules = { $kept ->
    [one] { $kept } правило из { $total }
    [few] { $kept } правила из { $total }
   *[many] { $kept } правил из { $total }
}
days = { $n ->
    [one] { $n } день
    [few] { $n } дня
   *[many] { $n } дней
}
workdays-so-far = { $n ->
    [one] Прошёл { $n } рабочий день
    [few] Прошло { $n } рабочих дня
   *[many] Прошло { $n } рабочих дней
}
workdays = { $n ->
    [one] { $n } рабочий день
    [few] { $n } рабочих дня
   *[many] { $n } рабочих дней
}
deals = { $n ->
    [one] { $n } сделка
    [few] { $n } сделки
   *[many] { $n } сделок
}
people = { $n ->
    [one] { $n } человек
    [few] { $n } человека
   *[many] { $n } человек
}
times = { $n ->
    [one] { $n } раз
    [few] { $n } раза
   *[many] { $n } раз
}
thousands-1 = {"\u00A0"}тыс.
thousands-2 = {"\u00A0"}млн
thousands-3 = {"\u00A0"}млрд
thousands-4 = {"\u00A0"}трлн
other-currencies = + ещё { $n ->
    [one] { $n } валюта
    [few] { $n } валюты
   *[many] { $n } валют
}
and-more = …и ещё { $n }
and-others = и ещё { $n }
and-other-people = и ещё { $n ->
    [one] { $n } человек
    [few] { $n } человека
   *[many] { $n } человек
}
none = нет
open = открыть

## Вечернее сообщение

day-head = { $weekday } · срез на { $clock }
day-sum = Итог дня: { $points } (выполнено { $rules })
day-sum-unscored = День не оценён: { $why }. Минусов за него не будет
unscored-unread = данные CRM не прочитаны
unscored-observed = все правила пока в наблюдении
unscored-unavailable = этих показателей CRM не даёт
unscored-unanswered = ждём ответа, ведётся ли это в CRM
unscored-mixed = правила в наблюдении, или этих показателей CRM не даёт
unscored-no-rules = ни одно правило не распространяется
day-sum-absent = Отсутствие: этот день не оценивается
day-sum-off = По графику выходной: этот день не оценивается
day-sum-not_begun = Оценка ещё не началась: этот день не оценивается
day-sum-unruled = За этот день баллов нет: ни одно правило на вас не распространяется
not-applicable-line = Только для сведения: { $rules }
excused-line = Не оценивается: { $rules } ({ $why })
excused-half_day = во второй половине дня отсутствие
excused-small_part = на неполный день норма меньше единицы
excused-carried_over = нарушено только тем, за что баллы уже сняты
day-month = За { $month }: { $points }
day-place = , место { $place } из { $total }
day-apart = , места пока нет: оценено мало дней
day-digest = Журнал: { $digest }
day-streak = { $n ->
    [one] { $n } чистый день
    [few] { $n } чистых дня подряд
   *[many] { $n } чистых дней подряд
}
next-clean-day = До чистого дня не хватило { $n ->
    [one] { $n } правила
   *[other] { $n } правил
}
next-clean-day-of = { $day } до чистого дня не хватило { $n ->
    [one] { $n } правила
   *[other] { $n } правил
}
next-break-even = До нуля за { $month } не хватает { $n ->
    [one] { $n } балла
   *[other] { $n } баллов
}
next-own-best = До лучшей серии { $n ->
    [one] ещё { $n } чистый день
    [few] ещё { $n } чистых дня подряд
   *[many] ещё { $n } чистых дней подряд
}
line-at-least = { $kpi }: { $value } из { $bound }, не хватает { $lacking } ({ $points })
line-at-least-met = { $kpi }: { $value }, нужно от { $bound } ({ $points })
line-at-most = { $kpi }: { $value } ({ $points })
line-at-most-bound = { $kpi }: { $value }, можно до { $bound } ({ $points })
short-at-least = { $kpi } { $value } из { $bound }
short-at-most = { $kpi } { $value }
short-at-most-bound = { $kpi } { $value } (можно до { $bound })
mark-new = новое
mark-carried = осталось
mark-spared-young = новая сделка, пока не считается
mark-spared-inherited = досталась в этот день, пока не считается
mark-spared-ignored = из старых записей, пока не считается
mark-spared-appeared = появилось, пока вас не было, сегодня не считается
mark-spared-used = баллы уже сняты
aside-line = { $kpi }: не считается { $n }
note-half-am = Первой половины дня не было: нормы вдвое ниже
note-half-pm = Второй половины дня не было: нормы вдвое ниже, состояние на срез не оценивается
points-begin = С { $day } эти правила дают и снимают баллы: { $rules }
note-newcomer = Испытательный срок: за нарушения баллы не снимаются
mark-late = пришло после прошлого среза, засчитано в этот день
mark-overdue = просрочено на { $length } (срок { $moment })
mark-stage = на этапе { $days }
mark-fields = не заполнено: { $names }
hours = { $n } ч
minutes = { $n } мин
field-price = Бюджет
field-name = Название
field-responsible_user_id = Ответственный
call-from = с номера { $digits }
call-hidden = номер не передан
no-data-line = Не прочитано: { $rules } ({ $why }). Минуса нет
no-data-incomplete = CRM не отдала данные полностью
no-data-late = данные прочитаны слишком поздно
no-data-changed = данные изменились после среза
no-data-unknown_user = CRM не знает этого пользователя
no-data-rights = у ключа нет прав на эти данные
no-data-malformed = запись в CRM имеет неожиданный вид
no-data-not_asked = показатель не читали
observed-rules = В наблюдении, без баллов: { $rules }
not-available-line = Этой CRM недоступно: { $rules }
unset-line = Не оценивается: { $rules }. { $why }
unset-deals_missing_fields = Никто ещё не сказал, какие поля обязательны (настройка required_fields)
unset-lost_without_reason = Никто ещё не сказал, в каком поле стоит причина проигрыша (настройка loss_reason_field)
earlier-line = { $day }: { $points }
earlier-unscored = { $day }: не оценён, минусов не будет
missed-head = Пока вас не было
earlier-head = Догнали пропущенные дни
corrected-line = { $kpi }: исправлено ({ $points })
correction-note = Итог за { $day } исправлен: смотрите сообщение
absence-note = Записано отсутствие ({ $kind }): { $days }. Баллы этих дней сняты, эти дни не оцениваются
absence-half-note = Записано отсутствие на полдня ({ $kind }): { $days }. День оценён заново
absence-cancelled-note = Отсутствие отменено ({ $kind }): { $days }. Эти дни оценены заново по данным на срез
absence-kind-vacation = отпуск
absence-kind-sick = больничный
absence-kind-trip = командировка
absence-kind-day_off = отгул
absence-kind-other = другое
absence-reason = записано отсутствие № { $id }
absence-cancelled-reason = отменено отсутствие № { $id }
show-all = Показать всё
show-less = Свернуть
rules-button = Правила

## Напоминание

reminder-head = { $minutes ->
    [one] До среза { $minutes } минута
    [few] До среза { $minutes } минуты
   *[many] До среза { $minutes } минут
}. Если ничего не менять, будет { $points } вместо { $best }

## Группа

group-unread = { $title } · { $weekday }: день не оценён, из CRM не удалось прочитать данные. Минусов за него ни у кого не будет
group-nobody = { $title } · { $weekday }: никто не оценивался
group-unscored-days = Не оценены, минусов за них ни у кого нет: { $days }
group-private = Это личное: отвечу в личном чате.
group-private-open = Открыть личный чат
pin-refused = { $title }: не могу закрепить в группе сообщение с таблицей. Дайте боту право закреплять сообщения: со следующего дня закреплю. Само сообщение в группе обновляется и так.
board-head = { $title } · { $weekday }
board-month = Лидеры за { $month }
board-table = Места за { $month }
board-pace = баллы за оценённый день
board-row = { $place }. { $name }: { $pace } за день, { $points }
board-day = за { $weekday ->
    [0] понедельник
    [1] вторник
    [2] среду
    [3] четверг
    [4] пятницу
    [5] субботу
   *[6] воскресенье
} { $points }
board-discipline = Дисциплина отдела: { $percent }
board-apart = Мало оценённых дней: { $names }
board-begins = Имена – с { $day }-го оценённого дня месяца
board-tied = { $people } { $leading ->
    [hundred] со
   *[other] с
} { $n ->
    [one] { $shown } баллом
   *[other] { $shown } баллами
}
board-tied-pace = { $people } по { $pace } за день
board-more-people = ещё { $n ->
    [one] { $n } человек
    [few] { $n } человека
   *[many] { $n } человек
}
board-empty = Оценённых дней пока нет
board-own = Ваше место: { $place } из { $total }, { $pace } за день, { $points }
board-own-apart = У вас пока мало оценённых дней, места нет

## Руководителю

digest-head = { $title } · { $weekday } · срез на { $clock }
digest-discipline = Дисциплина дня: { $percent }
digest-clean = Без нарушений: { $names }
digest-person = { $name }: { $points }
digest-earlier = { $day }: дисциплина { $percent }
digest-nobody = В этот день никто не оценивался: { $why }
digest-nobody-at-work = никто не работал
digest-absent = Отсутствие: { $names }
digest-backlog = Старые записи, пока не считаются: { $kpis }
digest-backlog-kpi = { $kpi } { $now } (было { $first })
digest-off = По графику выходной: { $names }
digest-not_begun = Ещё не оцениваются: { $names }
digest-unconnected = Ещё не в боте: { $names }
digest-unread-all = За этот день ничего не удалось прочитать: ни плюсов, ни минусов.
digest-refused = CRM «{ $connection }» не пускает нас. Повторять не будем, чтобы доступ не заблокировали. Администратору: проверьте ключ и права командой reglament check
digest-unread = Не прочитано: { $what }. Баллов за это никто не потерял
delayed = { $title }: оценка за { $day } задерживается: CRM пока не удаётся прочитать. Пробуем до { $until }; что не прочитается, останется без минусов
no-data = { $title }, { $day }: не всё удалось прочитать. Без оценки и без минусов: { $what }. Проверить CRM: reglament check
no-data-missing = { $kpis } ({ $reason })
unread-day = { $title }: за { $day } ничего не удалось оценить. Ни плюсов, ни минусов.
problem-unavailable = CRM не отвечала до конца срока. Откройте её в браузере: если не открывается, напишите в её поддержку. Следующий срез пройдёт как обычно.
problem-refused = CRM не пускает нас. Администратору: проверьте ключ и права командой reglament check
problem-rights = Ключу не хватает прав. Администратору: каких, покажет reglament check
problem-nonsense = CRM ответила не так, как описано в её документации. Администратору: что именно не так, покажет reglament check
problem-fault = Это ошибка в программе, а не в ваших данных. Администратору: перешлите журнал службы тому, кто обслуживает программу.
problem-unknown = Причина записана в журнале службы. Администратору: проверить CRM можно командой reglament check
problem-details = Подробности из журнала
shrunken-users = CRM «{ $connection }» больше не показывает { $lost } из { $known } известных людей: { $names }
shrunken-deals = { $title }: CRM «{ $connection }» не показывает открытых сделок; в прошлый раз их было { $known }
shrunken-tasks = { $title }: CRM «{ $connection }» не показывает задач; в прошлый раз просрочено было { $known }
shrunken-note = Пока вы не подтвердите, это считается непрочитанным: никто не уходит, роли остаются, минусов нет.
shrunken-take = Да, список верный
shrunken-taken = Подтверждено. Следующее чтение примет список.
rights-missing = Ключу CRM «{ $connection }» не хватает права, или тариф этого не даёт. { $title }: пока это не исправлено, без оценки и без минусов: { $kpis }. Всё остальное оценивается как обычно. Мы сообщаем об этом один раз; посмотреть снова: reglament check
no-data-unanswered = ноль у всех 20 рабочих дней; мы спросили, ведётся ли это здесь
zero-question = { $title }: показатель { $kpi } равен нулю у всех уже 20 рабочих дней. Это вообще ведётся в CRM «{ $connection }»? Пока вы не ответите, правило не даёт баллов.
zero-kept = Да, ведётся: оценивать
zero-absent = Нет, здесь не ведётся
zero-told-kept = Записано: ноль есть ноль, со следующего дня правило даёт баллы.
zero-told-absent = Записано: правило не даёт баллов, пока CRM не покажет значение.
alarm = CRM «{ $connection }» не пускает нас. Повторять не будем, чтобы доступ не заблокировали. { $title }, { $day }: что не прочитано, без минусов. Проверьте ключ и права: reglament check
digest-departed = { $name } больше не работает в CRM, баллы не начисляются
departed-button = { $name }: что осталось
departed = { $title }: { $name } больше не работает в CRM. С этого дня баллы не начисляются
departed-deals = { $n ->
    [one] { $n } открытой сделке нужен новый ответственный
    [few] { $n } открытым сделкам нужен новый ответственный
   *[many] { $n } открытым сделкам нужен новый ответственный
} (по срезу { $day })
channel-off-manager = { $title }: { $name } больше не получает сообщений ({ $reason }). На баллы это не влияет. { $why ->
    [deactivated] Для нового аккаунта нужна новая ссылка: администратор сделает её через /invite
    [not_found] Для нового чата нужна новая ссылка: администратор сделает её через /invite
   *[other] Чтобы сообщения вернулись, нужно снова открыть бота и нажать «Старт»
}
channel-off-head = { $title }: руководитель { $name } больше не получает сообщений ({ $reason }), итоги дня туда не доходят. { $why ->
    [deactivated] Укажите в настройках новый аккаунт или другого руководителя
    [not_found] Укажите в настройках новый аккаунт или другого руководителя
   *[other] Попросите снова открыть бота и нажать «Старт» или укажите в настройках другого руководителя
}
channel-nameless = с номером { $chat } в Telegram
channel-off-group = { $title }: группа больше не получает сообщений ({ $reason }). { $why ->
    [no_rights] Разрешите боту писать в группу
    [not_found] Добавьте бота в новую группу отдела, и пусть администратор напишет там /bind
   *[other] Верните бота в группу, или пусть администратор выберет другую: /bind
}
channel-blocked = бот заблокирован
channel-deactivated = аккаунт удалён
channel-never_started = бот ещё не запущен
channel-not_found = чат не найден
channel-not_connected = не подключён к боту
channel-no_group = у команды нет группы
channel-off = чат выключен
channel-nothing_to_say_any_more = сообщать стало не о чем
channel-refused = Telegram не принял сообщение
channel-kicked = бот удалён из группы
channel-no_rights = боту нельзя писать в группу

## Команды

command-today = мои баллы на срез, если ничего не менять
command-me = моя неделя и месяц
command-rules = правила и цена балла
command-leaderboard = таблица лидеров
command-team = команда сейчас
command-week = неделя отдела
command-month = месяц отдела
command-who = всё об одном менеджере: /who Имя
command-export = выгрузка для расчётов
command-health = состояние сервиса
command-invite = кто ещё не в боте
command-bind = присылать итоги в эту группу
command-language = язык
command-help = что умеет бот

help-head = Что я умею
help-line = /{ $name } – { $what }
bot-description = Каждый рабочий день на срезе я один раз смотрю в CRM, считаю баллы по правилам отдела и показываю каждому его результат: за какие сделки и задачи. Работаю по приглашению: попросите ссылку у своего руководителя.
bot-short-description = День отдела продаж по его правилам: баллы, что исправить, рейтинг. По приглашению.
help-outro = Каждый рабочий день в час среза я один раз смотрю в CRM и начисляю баллы по правилам отдела. Правила одни для всех: /rules

stranger = Здравствуйте! Этот бот работает по приглашениям. Попросите ссылку у своего руководителя.
joined = { $name } – теперь в боте. Аккаунт в Telegram: { $account }
joined-disconnect = Не он? Отключить
joined-disconnected = { $name }: чат отключён, прав у него больше нет. Новая ссылка: /invite
joined-over = Этот чат уже отключён.
welcome-hello = Здравствуйте, { $name }!
welcome-team = «{ $title }» (срез в { $clock })
welcome-manager = <b>Вы менеджер</b>: { $teams }.
    Каждый рабочий день после среза приходит итог дня: баллы и сделки, из которых они сложились. Если баллы сняты зря, под сообщением есть кнопка «Не согласен».
welcome-reminder = Если что-то будет стоить баллов, за { $n } мин до среза приходит напоминание.
welcome-head = <b>Вы руководитель</b>: { $teams }.
    Каждый рабочий день после среза приходит одно сообщение: дисциплина, деньги под риском, кто что нарушил, что не прочиталось, кто ушёл. Сразу приходит, если оценка задерживается, кто-то перестал получать сообщения или не согласен со снятыми баллами: решаете вы.
welcome-hr = <b>Вы отвечаете за расчёты (HR)</b>: { $teams }.
    Само ничего не приходит: баллы и бонусы за месяц файлом – когда попросите.
welcome-owner = <b>Вы владелец (администратор)</b>, вам видны все команды.
    Приходят тревоги: CRM не пускает, день не оценён, сообщения не уходят, и кто подключился к боту. Возражения приходят, если два рабочих дня никто не решил или если не согласен сам руководитель. Итоги дня приходят руководителям.
welcome-steps = Что дальше:
welcome-step-invite = { $n ->
    [one] Ещё не в боте { $n } человек: сделайте ссылки – /invite
    [few] Ещё не в боте { $n } человека: сделайте ссылки – /invite
   *[many] Ещё не в боте { $n } человек: сделайте ссылки – /invite
}
welcome-step-ask = { $n ->
    [one] Ещё не в боте { $n } человек: попросите у администратора ссылки
    [few] Ещё не в боте { $n } человека: попросите у администратора ссылки
   *[many] Ещё не в боте { $n } человек: попросите у администратора ссылки
}
welcome-step-bind = Добавьте бота в группу отдела и напишите там /bind: туда будут приходить итоги
welcome-step-health = Всё ли работает: /health
welcome-step-team = Как сейчас дела у команды: /team и /week
welcome-step-export = Файл за месяц: /export
welcome-step-today = Как ваш день выглядит сейчас: /today, за что баллы: /rules
welcome-more = Всё, что можно спросить: /help
welcome-back = С возвращением, { $name }! Сообщения снова включены.
invite-question = Приглашение для сотрудника: <b>{ $name }</b>. Это вы?
invite-yes = Да, это я
invite-no = Нет
invite-declined = Хорошо, ничего не меняю. Если ссылка пришла по ошибке, сообщите руководителю.
invite-unknown = Эта ссылка не подходит. Попросите новую у руководителя.
invite-expired = Срок ссылки истёк: она живёт 72 часа. Попросите новую у руководителя.
invite-used = По этой ссылке уже подключились. Если это были не вы, сообщите руководителю.
invite-other_chat = Этот сотрудник уже подключён из другого чата. Если телефон сменился, попросите администратора отвязать старый.
invite-other_person = Этот чат уже подключён к другому человеку. Обратитесь к администратору.
invite-yours = Вы уже подключены. Что можно спросить: /help

proof-stands = Сходится: { $digest } – это «{ $title }», { $day }. Записи этого дня те же, что в тот вечер.
proof-broken = Не сходится: { $digest } – это «{ $title }», { $day }, но записи этого дня с тех пор изменили. Сообщите об этом руководству; что изменено, покажет reglament verify
proof-unknown = Не сходится: дня с контрольной суммой { $digest } нет. Изменили сообщение или журнал.
proof-weak = Короткая контрольная сумма из 12 знаков: так было до появления журнала. Она доказывает слабее.
proof-unscored = { $kpi }: { $value }, без оценки
proof-adjustment = Баллы вручную: { $points }

unknown-command = Такой команды нет. Что я умею: /help
unknown-command-nearest = Такой команды нет. Может быть, /{ $name }? Что я умею: /help
only-commands = Я понимаю только команды. Что я умею: /help
no-own-score = Ваши дни не оцениваются, поэтому своих баллов у вас нет. Что можно: /help
not-yours = Это вам недоступно. Что можно: /help
stale-button = Сообщение устарело. Откройте его заново командой.
too-often = Слишком много запросов подряд. Подождите { $seconds } с
failed = Не получилось ответить: ошибка у меня, не у вас. На баллы это не влияет. Попробуйте ещё раз; если повторится, сообщите администратору: в журнале { $number }.
database-busy = База данных сейчас занята. На баллы это не влияет. Повторите через минуту.
database-trouble = База данных сейчас недоступна. На ваш счёт это не влияет: день посчитается, когда она вернётся. Попробуйте через несколько минут; если не пройдёт, скажите администратору: запись в журнале { $number }.

today-head = { $weekday } · на срез в { $clock }, если ничего не менять
today-sum = Будет { $points } (выполнено { $rules })
today-age = { $n ->
    [0] Данные CRM на { $clock }
    [one] Данные CRM на { $clock }, { $n } минуту назад
    [few] Данные CRM на { $clock }, { $n } минуты назад
   *[many] Данные CRM на { $clock }, { $n } минут назад
}
today-refresh = Обновить
today-reading = Читаю CRM…
today-too-close = До среза совсем мало времени, сейчас CRM читает итоговый срез. Дождитесь итога.
today-unavailable = CRM сейчас не отвечает. На баллы это не влияет: важен только срез. Попробуйте через несколько минут.
today-old = CRM отвечает долго. Вот последнее, что известно:
today-nobody = Вас нет в списке менеджеров, которых я вижу в CRM.

me-head = { $title } · { $name }
me-week = Неделя: { $points }, дисциплина { $percent }
me-month = { $month }: { $points }, дисциплина { $percent }
me-streak = Чистых дней подряд: { $n }
me-none = Оценённых дней ещё нет
me-history = По дням
me-day = { $day }: { $points }
trend-day = { $day }: { $points }, { $percent }
trend-rule-at_least = { $kpi } от { $limit }
trend-rule-at_most = { $kpi } до { $limit }
trend-day-team = { $day }: { $mean } на человека ({ $points }), { $percent }
me-day-excused = { $day }: отсутствие или выходной
me-day-unscored = { $day }: не оценён

quoted = «{ $text }»
rules-head = Правила · { $title }
rules-at-least = { $kpi }: не меньше { $bound }. Выполнено: { $reward }, не выполнено: { $penalty }
rules-at-most = { $kpi }: не больше { $bound }. Выполнено: { $reward }, не выполнено: { $penalty }
rules-at-most-none = { $kpi }: должно быть 0. Выполнено: { $reward }, не выполнено: { $penalty }
rules-per-deals = на каждые { $n } открытых сделок
rules-observed = { $kpi }: в наблюдении, без баллов
rules-example = { $day } выполнено у { $kept } из { $total }
rules-example-day = Пример: { $day } в отделе выполнено правил: { $kept }, нарушено: { $broken }, вместе { $points }
rules-cutoff = Срез в { $clock } по рабочим дням ({ $zone })
rules-window-cutoff = День считается от среза до среза: что внесено после { $clock } или в выходной, идёт в следующий рабочий день
rules-window-day = День считается с полуночи до среза: что внесено между { $clock } и полуночью, не считается нигде
rules-late = О чём CRM узнала с опозданием (звонок, встреча), считается один раз: в первый срез, где это видно, если случилось в окне этого дня или предыдущего
rules-days-off = Ближайшие нерабочие дни кроме обычных: { $days }
rules-extra-days = Рабочие дни в выходные: { $days }
rules-short-days = Короткие дни (срез раньше): { $days }
rules-meanings = Как считается
rules-whose = Сделки и задачи считаются у того, кто отвечает за них в момент среза, звонки – у того, кто говорил, встречи – у того, кто их провёл (если CRM этого не знает, у ответственного)
rules-alias = Что в CRM записано на пользователя { $alias }, считается у: { $person }
rules-companies-creator = Новая компания считается у того, кто её создал
rules-companies-owner = Новая компания считается у того, кто за неё отвечает
rules-deals-responsible = Выигранная или проигранная сделка считается у того, кто отвечает за неё в момент среза
rules-deals-mover = Выигранная или проигранная сделка считается у того, кто перевёл её на этот этап, если он в команде, иначе у ответственного
rules-calls = Звонок считается, если разговор длился не меньше { $n } с
rules-missed = Пропущенные звонки считаются в рабочие дни, часы { $hours }
rules-missed-any = Пропущенные звонки считаются в любое время
rules-meetings = Встречи – это дела таких типов: { $types }
rules-once = Та же сделка, выигранная или проигранная снова в течение 14 дней, второй раз не считается
rules-excluded = Сделки этих воронок не считаются: { $pipelines }
rules-stale = Сделка застряла, если стоит на одном этапе дольше { $n } рабочих дней
rules-comment = Комментарий человека нужен сделке, которой больше { $n } ч; нерабочие дни не идут в счёт
rules-fields = Обязательные поля: { $fields }
rules-fields-pipeline = Обязательные поля в воронке { $pipeline }: { $fields }
rules-fields-stage = Обязательные поля в воронке { $pipeline } с этапа { $stage }: { $fields }
rules-loss-reason = Причина проигрыша – поле { $field }
rules-grace = Новой сделке даётся { $n } мин рабочего времени (часы { $hours }), до того она не нарушает: { $kpis }
rules-first-day = Что перешло от коллеги уже с нарушением, у нового ответственного в первый день не считается
rules-roles = только роли: { $roles }
rules-until = в наблюдении по { $day }
rules-launch-observe = По { $day } включительно все правила в наблюдении: показываем, баллов нет
rules-launch-ignore = Что нарушало правило уже при запуске и старше { $day } (срок, этап или создание), не считается, пока его не привели в порядок
rules-launch-once = Одна запись стоит баллов один раз; снова – после 10 оценённых дней в порядке. Если мешает только старое, за правило 0
rules-probation = Первые { $n } оценённых дней новичку за нарушения баллы не снимаются
rules-half-day = Нет половины дня – нормы «не меньше» вдвое ниже; нет во второй половине – правила «не больше» не оцениваются
rules-back = В первый день после отсутствия не считается то, что появилось, пока вас не было
rules-people = { $people }: { $terms }
rules-cycle = смены { $on } через { $off } с { $day }
rules-weekdays = рабочие дни { $days }
rules-share = { $percent } дня
rules-since = оценка с { $day }
rules-role = роль { $role }
rules-doubt = Чего CRM не знает точно, считается дважды: со спорной записью и без неё. Если итог один, баллы ставятся, если разный, правило не оценивается и минуса нет
rules-unread = День, который не удалось прочитать, ничего не приносит и ничего не стоит
rules-break-even = Чтобы день не ушёл в минус, выполните { $rules }. В среднем в ноль выходит тот, кто выполняет { $percent } правил: больше – плюс, меньше – минус
rules-break-even-any = Минусов по этим правилам не бывает
rules-money = Цена балла: плюс { $plus }, минус { $minus }. Минусы уменьшают только бонус, оклад – никогда
rules-money-bounds = Бонус за месяц: { $base }не меньше { $floor }, { $cap }
rules-money-base = основа { $base } и баллы,{" "}
rules-money-cap = не больше { $cap }
rules-money-no-cap = верхней границы нет
rules-money-next = С { $day } цена балла другая: плюс { $plus }, минус { $minus }
rules-money-ends = С { $day } баллы не оплачиваются
rules-version = Версия правил: { $version }
rules-next = С { $day } действуют новые правила

language-question = На каком языке говорить?
language-ru = Русский
language-en = English
language-done = Буду писать по-русски.

## Неделя и месяц отдела

summary-week = { $title } · неделя { $week } ({ $span })
summary-month = { $title } · { $month } ({ $span })
summary-days = { $workdays }, оценено { $scored }. Для сравнения: { $span }, оценено { $before }
summary-days-unlike = { $workdays }, оценено { $scored }. Сравнивать с { $span } нельзя: там оценено { $before }
summary-days-first = { $workdays }, оценено { $scored }. Сравнить пока не с чем
summary-discipline = Дисциплина: { $percent }{ $change }
summary-won-per-day = за оценённый день { $now }
summary-before = было { $what }
points-of-percent = { $change } п. п.
no-change = без изменений
days-compared = дней: { $now }, было { $before }
summary-all = { $n ->
    [1] все
    [one] все, по { $n } разу
    [few] все, по { $n } раза
   *[many] все, по { $n } раз
}
summary-points = Баллы: { $total } ({ $plus } и { $minus }), { $per_day } за оценённый день
summary-won = Выиграно: { $deals }
summary-won-unavailable = Выигранные сделки этой CRM недоступны
summary-lost = Проиграно: { $deals }
lost-no-reasons = причин в CRM нет
lost-no-reason = без причины
lost-other-reasons = другие причины ×{ $n }
summary-improved = Лучший прирост: { $who }{ $change }
summary-slides = Снижается два периода подряд: { $who }
times-each = { $n ->
    [one] по { $n } разу
    [few] по { $n } раза
   *[many] по { $n } раз
}
summary-broken = Чаще всего нарушали правило { $rules }: { $times } ({ $who })
summary-broken-once = Нарушено один раз: правило { $rules } ({ $who })
summary-broken-tied = Чаще всего нарушали правила { $rules }: { $times }
summary-broken-tied-once = По одному разу нарушены правила { $rules }
summary-now = Сейчас (срез { $day }): { $gauges }
summary-then = Тогда (срез { $day }): { $gauges }
deals-as-of = На срез { $day }
gauges = 🟡 просрочено { $overdue } · 🔴 без задачи { $taskless }
risk = 💰 Под риском { $sums } ({ $deals })
summary-empty = Оценённых дней нет
summary-people = Люди
summary-rules = Правила
summary-deals = Сделки
summary-picture = Картинка
summary-workbook = Таблица
summary-back = Назад
summary-person = { $name }: { $percent }{ $change }, { $points }
summary-rule = { $kpi }: { $percent }, нарушено { $times }
summary-prev = ◀ Раньше
summary-next = Позже ▶

back-digest = ‹ К итогу дня
back-reminder = ‹ К напоминанию
back-teams = ‹ Команды
reminder-over = Срез уже прошёл: напоминания больше нет, итог дня пришёл отдельно.
team-head = { $title } · срез { $day }
team-head-live = { $title } · если до среза ничего не менять, данные на { $clock }
team-absent = { $name }: отсутствует
team-off = { $name }: по графику выходной
team-not_begun = { $name }: ещё не оценивается
team-unscored = { $name }: не оценён
team-live-button = Как сейчас
team-last-button = Последний срез
team-day-button = Срез { $day }
team-none = Срезов ещё не было
choose-team = Какая команда?
who-choose = Кого показать? Можно и по имени: /who Анна
who-none = В команде пока никого нет.
who-nobody = Никого с таким именем не нашёл.
who-week = Неделя { $week }: { $points }, дисциплина { $percent }{ $change }
who-month = За { $month }: { $points }, дисциплина { $percent }{ $change }
who-won = Выиграно за { $month }: { $deals }{ $sums }
who-broken = Чаще всего нарушено за { $month }: { $rules }
who-many = Кого показать?
who-too-many = Кого показать? Нашлось ещё { $n }: напишите имя полнее.

export-choose = За какой месяц?
export-caption = { $title } · { $month }. Баллы, бонусная часть и каждая строка журнала. Проверка: reglament verify
export-working = Готовлю файл…
health-head = Состояние
health-alive = Служба работает: срезы, сообщения, ответы
health-never-ran = Служба ещё не работала
health-write-disk-full = Диск, на котором лежит база данных, полон: ничего не записывается, срезы и сообщения ждут. Освободите место, дальше всё пойдёт само
health-write-read-only = База данных не принимает записи: срезы и сообщения ждут. Проверьте права на файл и папку базы
health-write-locked = База данных занята другой программой: срезы и сообщения ждут. Закройте программу, которая держит файл базы
loop-runs = срезы
loop-deliveries = сообщения
loop-service = измерения
health-silent = { $n ->
    [one] Часть службы «{ $name }» молчит { $n } минуту: посмотрите журнал службы и перезапустите её
    [few] Часть службы «{ $name }» молчит { $n } минуты: посмотрите журнал службы и перезапустите её
   *[many] Часть службы «{ $name }» молчит { $n } минут: посмотрите журнал службы и перезапустите её
}
health-deaf = { $n ->
    [one] Из Telegram { $n } минуту ничего не приходит: люди не получают ответов. Проверьте сеть, токен и webhook
    [few] Из Telegram { $n } минуты ничего не приходит: люди не получают ответов. Проверьте сеть, токен и webhook
   *[many] Из Telegram { $n } минут ничего не приходит: люди не получают ответов. Проверьте сеть, токен и webhook
}
trouble-loop-silent = Часть службы «{ $detail }» молчит с { $since }. Оценки или сообщения могут задерживаться. Посмотрите журнал службы и перезапустите её
trouble-day-overdue = { $title }: день { $day } должен был завершиться к { $since }, но не завершён. Баллов пока никто не теряет. Посмотрите журнал службы: reglament health
trouble-no-run = { $title }: день { $day } никто не начал (срез { $since }). Баллов пока никто не теряет. Посмотрите журнал службы: reglament health
trouble-messages-wait = Ждут отправки сообщений: { $detail }, самое старое с { $since }. Баллы сохранены, но люди о них не знают. Проверьте сеть до Telegram: reglament health
trouble-messages-fail = Не доставлено сообщений: { $detail }, первое { $since }. Баллы сохранены, но эти люди о них не узнали. Посмотрите журнал службы: reglament health
trouble-token-refused = Telegram не принимает токен бота с { $since }: сообщения не уходят. Впишите токен от @BotFather в telegram.token и перезапустите службу
trouble-rival = С { $since } сообщения бота читает ещё одна программа с тем же токеном: люди получают ответы через раз. Остановите её или перевыпустите токен у @BotFather
trouble-not-anchored = С { $since } итоги дней не удаётся записать в якоря: баллы и сообщения идут, но внешнего свидетеля нет. Проверьте диск и адрес раздела [anchor]: reglament health
trouble-clock = С { $since } ничего не оценивается: часы нашей машины идут неверно. Минусов нет. Настройте их по NTP. Что расходится, сказано ниже
trouble-deaf = Из Telegram ничего не приходит с { $since }: люди не получают ответов, оценки идут. Проверьте сеть, токен и webhook: reglament health
health-messages = Сообщения: ждут { $waiting }, не доставлено { $failed }
health-given-up = За неделю не доставлено: { $n }, причина последнего: { $reason }
health-last = Последний срез { $day }, прочитано всё
health-partly = Последний срез { $day }, не прочитано: { $unread }
health-postponed = Срез { $day } отложен: CRM пока не удаётся прочитать
health-never = Срезов ещё не было
health-joined = В боте: { $joined }, ещё нет: { $missing }
invite-head = Ещё не в боте: { $n }
invite-link = { $name }: { $link }
invite-note = Ссылка личная, одноразовая, действует 72 часа. Кнопки: отправить в чат или скопировать готовый текст
invite-ready = { $name }, это приглашение в бот нашего отдела продаж: итог каждого дня по правилам и то, что можно исправить. Откройте ссылку и нажмите «Старт». Она личная и действует 72 часа.
invite-share = 📤 { $name }
invite-copy = 📋 Скопировать
invite-make = Сделать ссылки (прежние перестанут работать)
invite-all = Все уже в боте.
bind-done = Итоги команды <b>{ $title }</b> будут приходить сюда.
bind-settings = Группа для команды <b>{ $title }</b> указана в настройках, они важнее. Измените chat_id там.
bind-private = Команда /bind работает в группе.
bind-who = Вы пишете от имени группы, и я не вижу, кто вы. Нажмите кнопку: нажатие показывает мне вас.
bind-me = Это я
bind-choose = Итоги какой команды присылать сюда?
picture-trend = Динамика · { $title }
picture-day = { $month }, по { $day }
