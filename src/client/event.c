/* SPDX-License-Identifier: Apache-2.0 */
#include "client/event.h"

void client_event_clear(struct client_event *event)
{
    store_message_clear(&event->message);
    *event = (struct client_event) { 0 };
}

void event_queue_add(struct event_queue *queue, const struct client_event *event)
{
    if (queue->count == EVENT_QUEUE)
        return;
    queue->at[(queue->first + queue->count) % EVENT_QUEUE] = *event;
    queue->count++;
}

enum client_event_kind event_queue_first(const struct event_queue *queue)
{
    return queue->count > 0 ? queue->at[queue->first].kind : CLIENT_EVENT_NONE;
}

bool event_queue_take(struct event_queue *queue, struct client_event *event)
{
    if (queue->count == 0)
        return false;
    *event = queue->at[queue->first];
    queue->first = (queue->first + 1) % EVENT_QUEUE;
    queue->count--;
    return true;
}
