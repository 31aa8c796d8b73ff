## Возражения

appeal-recheck-author = сверка с CRM
appeal-recheck-reason = по данным самой CRM на момент среза правило было выполнено
appeal-term-author = срок возражения
appeal-term-reason = за десять рабочих дней решения не было
appeal-ledger-reason = возражение № { $id }

dispute-button = Не согласен
dispute-which = { $day }: с каким правилом вы не согласны?
dispute-nothing = { $day }: баллы ни за одно правило не сняты, возражать не на что
dispute-why = Почему?
dispute-text = Напишите ответом одну-две фразы (до 1 000 знаков), или отправьте без пояснения
dispute-without-text = Отправить без пояснения
dispute-close = Закрыть
dispute-closed = Возражение не подано, день остался как был
appeal-back = ‹ Назад

appeal-cause-wrong_data = Данные неверны
appeal-cause-done_before = Сделано до среза
appeal-cause-client = Задержка клиента
appeal-cause-absence = Меня не было
appeal-cause-technical = Технический сбой
appeal-cause-other = Другое

appeal-state-filed = возражение рассматривается
appeal-state-kept = возражение принято
appeal-state-excused = возражение принято
appeal-state-refused = возражение отклонено
appeal-state-withdrawn = возражение отозвано

appeal-head = Возражение № { $id }: «{ $kpi }», { $day }
appeal-sent = Возражение отправлено руководителю, решение придёт сюда. Если за 10 рабочих дней решения не будет, баллы вернутся
appeal-withdraw = Отозвать возражение
appeal-by = Решение: { $author }.
appeal-outcome-filed = Возражение № { $id } рассматривается: «{ $kpi }», { $day }
appeal-outcome-kept = Возражение № { $id } принято: правило «{ $kpi }» за { $day } считается выполненным, снятые баллы вернулись, баллы за правило начислены
appeal-outcome-excused = Возражение № { $id } принято: правило «{ $kpi }» за { $day } не оценивается, снятые баллы вернулись
appeal-outcome-refused = Возражение № { $id } отклонено: «{ $kpi }», { $day }, баллы остаются снятыми
appeal-outcome-withdrawn = Возражение № { $id } отозвано: «{ $kpi }», { $day }

appeal-problem-no-day = Этот день не оценивался: баллы не снимались, возражать не на что
appeal-problem-not-broken = За это правило в тот день баллы не сняты, или они уже вернулись
appeal-problem-too-late = Срок вышел: возразить можно было по { $detail } включительно. Если есть новые факты, скажите руководителю
appeal-problem-too-long = Слишком длинно: оставьте не больше { $detail } знаков и отправьте ещё раз, возражение ждёт
appeal-problem-decided = По этому возражению решение уже принято
appeal-problem-own = О своём возражении решает не сам сотрудник, а владелец
appeal-problem-not-yours = Отозвать возражение может только тот, кто его подал
appeal-problem-changed = Баллы за это правило уже не сняты (записано отсутствие или исправление): можно простить или отклонить

recheck-running = Сверяю с CRM…
recheck-waits = Сверка с CRM ещё не закончена: результат придёт сюда
recheck-problem = Сверка с CRM: CRM не ответила, решает руководитель
recheck-untold = Сверка с CRM: такие данные CRM задним числом не показывает, решает руководитель
recheck-records = Сверка с CRM, записи на момент среза: { $told }
recheck-in-order = в порядке { $n }
recheck-not-in-order = не в порядке { $n }
recheck-not-told = без ответа { $n }
recheck-again = Сверка с CRM: день пересчитан заново, вышло { $value }
proof-in-order = в порядке
proof-not-in-order = по данным CRM на момент среза не в порядке
proof-not-told = CRM не хранит, как было на момент среза
proof-done = было сделано
proof-deadline = срок уже был перенесён
proof-task = задача уже была
proof-comment = комментарий уже был
proof-filled = поля уже были заполнены
proof-stage = этап уже был другой
proof-closed = сделка уже была закрыта
proof-owner = ответственным был другой
proof-deleted = запись уже была удалена
proof-merged = запись уже была объединена с другой
proof-uncounted = по данным CRM не считается

appeal-stage-reminder = ⏰ Возражение ждёт решения уже рабочий день
appeal-stage-owner = ⏰ Возражение без решения два рабочих дня, теперь решает владелец
appeal-why = Причина: { $cause }.
appeal-gone-rule = Снимка с этим правилом нет
appeal-before-none = Раньше возражений не было: ни у этого сотрудника, ни на это правило
appeal-before = Раньше: возражений этого сотрудника { $person } (принято { $granted }), на это правило { $rule } (принято { $rulegranted })
decide-kept = Выполнено
decide-excused = Простить
decide-refused = Отклонить
decide-why = Решение «{ $decision }»: почему?
decide-write = Напишите причину следующим сообщением (до 1 000 знаков)
reason-own = Написать свою причину
reason-kept-shown = Показал, что было сделано
reason-kept-trust = Верю на слово
reason-excused-client = Задержал клиент
reason-excused-failure = Сбой не по вине сотрудника
reason-excused-absence = Сотрудника не было
reason-refused-unproved = Ничем не подтверждено
reason-refused-afterwards = Внесено после среза
reason-refused-agreed = Правило согласовано для всех
appeals-none = Открытых возражений нет
appeals-head = { $n ->
    [1] 1 открытое возражение
    [one] { $n } открытое возражение, сначала давние
    [few] { $n } открытых возражения, сначала давние
   *[many] { $n } открытых возражений, сначала давние
}
appeals-line = { $name }: { $kpi }, { $day } · { $days ->
    [0] сегодня
    [one] { $days } день
    [few] { $days } дня
   *[many] { $days } дней
}
appeals-period = ⚖️ Возражения: { $all }, принято { $granted }, ждут { $waiting }
appeals-rule = «{ $kpi }» { $granted } из { $all }
appeals-waiting = ⚖️ Ждут решения: { $n ->
    [one] { $n } возражение
    [few] { $n } возражения
   *[many] { $n } возражений
}, старшему { $days ->
    [one] { $days } день
    [few] { $days } дня
   *[many] { $days } дней
} · /appeals
command-appeals = возражения, которые ждут решения
